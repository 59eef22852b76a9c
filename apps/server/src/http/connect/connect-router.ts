import { createHash } from 'node:crypto';
import type { ProviderDefinition } from '@authpipe/providers';
import { type ErrorRequestHandler, type RequestHandler, Router } from 'express';
import { asActor } from '../../actor.js';
import { ConnectRefusal } from '../../connect/connect-refusal.js';
import type { Connect } from '../../connect/create-connect.js';
import type { OwnerConnections } from '../../connect/owner-connections.js';
import { Problem } from '../../errors/problem.js';
import type { Logger } from '../../log/logger.js';
import { whereOf } from '../caller.js';
import { requestIdOf } from '../problem-response.js';
import { createBrowserCookies } from './browser-cookies.js';
import { COMPLETION_SCRIPT } from './completion-script.js';
import { CONNECT_STYLE } from './connect-style.js';
import { COPY_SCRIPT } from './copy-script.js';
import { openRoutes } from './open-routes.js';
import { ownerRoutes } from './owner-routes.js';
import { pageHeaders } from './page-headers.js';
import { ASSETS } from './page-layout.js';
import { createRateLimits } from './rate-limits.js';
import { type NoticeKind, refusalPage } from './refusal-page.js';
import { sameOriginOnly } from './same-origin-guard.js';
import { sessionLook } from './session-look.js';
import { sessionRoutes } from './session-routes.js';
import { setupRoutes } from './setup-routes.js';

export interface ConnectRouterDependencies {
  readonly connect: Connect;
  readonly ownerConnections: OwnerConnections;
  readonly findProvider: (id: string) => ProviderDefinition | undefined;
  /** `AUTHPIPE_DEV_ALLOW_LOOPBACK`: a provider's pages may be on a loopback host. */
  readonly allowLoopback: boolean;
  /** Without a trailing slash: decides what counts as this server's own page, and whether cookies are secure; problems lead there. */
  readonly publicUrl: string;
  readonly log: Logger;
}

/** An own file of the pages, asked for anew when it changed. */
const asset = (type: 'css' | 'js', content: string): RequestHandler => {
  const tag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 16)}"`;
  return (request, response) => {
    response.set({ 'Cache-Control': 'public, max-age=300', ETag: tag });
    if (request.get('if-none-match') === tag) response.status(304).end();
    else response.type(type).send(content);
  };
};

const noticeOf = (error: unknown): NoticeKind => {
  if (error instanceof ConnectRefusal) return error.kind;
  if (error instanceof Problem && error.code === 'invalid_request') return 'nothing_to_connect';
  const isUnreadable =
    error instanceof Error && 'status' in error && typeof error.status === 'number' && error.status < 500;
  return isUnreadable ? 'unreadable' : 'internal';
};

/** Every failure of these routes ends in a page that says what happened. */
const showRefusal =
  (log: Logger): ErrorRequestHandler =>
  (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const kind = noticeOf(error);
    const sessionId = error instanceof ConnectRefusal ? error.details.sessionId : undefined;
    const refused = {
      audit: 'connect.refused',
      sessionId,
      outcome: kind,
      requestId: requestIdOf(response),
    } as const;
    if (kind === 'internal')
      log.error({ ...refused, err: error, method: request.method }, 'connecting failed');
    else log.info(refused, 'a browser could not go on connecting');
    const { status, page } = refusalPage(kind, sessionId);
    response.status(status).type('html').send(page);
  };

/** Everything under `/connect`: hosted pages, their files, the provider's callback and the button's look. */
export const createConnectRouter = ({
  connect,
  ownerConnections,
  findProvider,
  allowLoopback,
  publicUrl,
  log,
}: ConnectRouterDependencies): Router => {
  const { origin, protocol } = new URL(publicUrl);
  const secure = protocol === 'https:';
  const cookies = createBrowserCookies(secure);
  const guard = sameOriginOnly(origin);
  const limits = createRateLimits(publicUrl);
  const router = Router();
  // Who it is, each session says.
  router.use('/connect', (request, _response, next) => {
    asActor({ who: { type: 'server' }, where: whereOf(request) }, next);
  });
  router.use('/connect', pageHeaders(secure));
  router.get(ASSETS.style, asset('css', CONNECT_STYLE));
  router.get(ASSETS.script, asset('js', COMPLETION_SCRIPT));
  router.get(ASSETS.copy, asset('js', COPY_SCRIPT));
  router.use(sessionLook(connect, limits.looks, publicUrl));
  router.use(ownerRoutes({ connect, ownerConnections, limit: limits.looks, publicUrl }));
  router.use('/connect', limits.pages);
  router.use(openRoutes(connect, cookies, guard));
  // Before the sessions' routes, which would take its addresses for ids.
  router.use(
    setupRoutes({
      setups: connect.setups,
      cookies,
      sameOriginOnly: guard,
      limitTrials: limits.trials,
      publicUrl,
      findProvider,
      allowLoopback,
    }),
  );
  router.use(sessionRoutes({ connect, cookies, sameOriginOnly: guard, publicUrl }));
  router.use('/connect', showRefusal(log));
  return router;
};
