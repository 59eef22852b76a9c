import express, { type RequestHandler, type Response, Router } from 'express';
import type { OrgControl } from './control.js';
import { CONTROL_ACTIONS } from './control-actions.js';
import { Fields } from './fields.js';
import type { OrgState } from './org-state.js';
import { type ControlView, controlPage } from './pages/control-page.js';

/**
 * `GET /control` is the page; `GET /control/api/state` (and `/grants`, `/people`, `/counters`) tell, and
 * `POST /control/api/<action>` does, with JSON. The page's forms post the same actions urlencoded and come back to it.
 */
export function controlRoutes(state: OrgState, control: OrgControl): Router {
  const router = Router();
  router.use(onlyFromThisMachine);
  router.use((_req, res, next) => {
    res.set('Cache-Control', 'no-store');
    next();
  });

  router.get('/', (req, res) => {
    const done = typeof req.query.done === 'string' ? CONTROL_ACTIONS[req.query.done]?.done : undefined;
    res.send(controlPage({ ...viewOf(state, control), ...(done === undefined ? {} : { done }) }));
  });
  router.get('/api/state', (_req, res) => {
    const { now, ...view } = viewOf(state, control);
    res.json({ ...view, now: now.toISOString() });
  });
  router.get('/api/grants', (_req, res) => void res.json(control.listGrants()));
  router.get('/api/people', (_req, res) => void res.json(control.listPeople()));
  router.get('/api/counters', (_req, res) => void res.json(control.counters()));

  router.post('/api/*action', express.json(), express.urlencoded({ extended: false }), async (req, res) => {
    const name = req.path.slice('/api/'.length);
    const isForm = req.is('application/x-www-form-urlencoded') !== false;
    const action = Object.hasOwn(CONTROL_ACTIONS, name) ? CONTROL_ACTIONS[name] : undefined;
    if (!action)
      return refuse(
        res,
        404,
        `There is no action ${name}. There are: ${Object.keys(CONTROL_ACTIONS).join(', ')}.`,
      );
    try {
      const result = await action.run(control, new Fields(req.body));
      if (!isForm) return void res.json(result ?? {});
      res.redirect(303, `/control?done=${encodeURIComponent(name)}#${name.split('/')[0]}`);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      if (!isForm) return refuse(res, 400, error.message);
      res.status(400).send(controlPage({ ...viewOf(state, control), problem: error.message }));
    }
  });
  return router;
}

function viewOf(state: OrgState, control: OrgControl): ControlView {
  return {
    issuer: state.issuer,
    now: new Date(control.nowMillis()),
    people: control.listPeople(),
    grants: control.listGrants(),
    settings: control.settings(),
    // A client's secret is shown nowhere.
    apps: state.clients
      .list()
      .map(({ clientId, name, active, secretBroken }) => ({ clientId, name, active, secretBroken })),
    faults: control.pendingFaults(),
    hungCalls: control.hungCount(),
    counters: control.counters(),
  };
}

const LOOPBACK_ADDRESS = /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/;
const LOOPBACK_HOST = /^(localhost|[a-z0-9.-]+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i;

/**
 * The control has no password, so it only listens to this machine: not to other addresses, not to a foreign name that
 * resolves to this one, and not to forms on other sites that a browser here would post.
 */
const onlyFromThisMachine: RequestHandler = (req, res, next) => {
  const host = req.get('Host') ?? '';
  const origin = req.get('Origin');
  const isLocal = LOOPBACK_ADDRESS.test(req.socket.remoteAddress ?? '') && LOOPBACK_HOST.test(host);
  if (!isLocal) return refuse(res, 403, 'The control works from this machine only, at a loopback address.');
  if (origin !== undefined && origin !== `http://${host}`) {
    return refuse(res, 403, 'The control takes no calls from pages of other sites.');
  }
  next();
};

function refuse(res: Response, status: number, problem: string): void {
  res.status(status).json({ error: problem });
}
