import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type Express } from 'express';
import type Provider from 'oidc-provider';
import { adaptAuthorizationRequest } from './adapt-authorization-request.js';
import { refuseSilently } from './authorization-request.js';
import { CONSENT_PATH, createAuthorizationServer, SIGN_IN_PATH } from './authorization-server.js';
import { ClientRegistry, type OrgClient } from './client-registry.js';
import { createOrgClock } from './clock.js';
import { createControl, type OrgControl } from './control.js';
import { controlRoutes } from './control-routes.js';
import { countRequest, zeroCounters } from './counters.js';
import { Directory } from './directory.js';
import { FaultQueue, meetFaults } from './faults.js';
import { limitCalls } from './limit-calls.js';
import { managementApi } from './management-api.js';
import type { OrgState } from './org-state.js';
import { PATHS_OF_APPS, tellOwnDate } from './own-date.js';
import { errorPage } from './pages/error-page.js';
import { DEFAULT_PEOPLE, type Person } from './people.js';
import { formOf, readForm, replay } from './request-form.js';
import { oktaId } from './seed.js';
import { checkTokenSettings, OKTA_TOKEN_SETTINGS, type RotationMode } from './settings.js';
import { signInRoutes } from './sign-in.js';
import { OrgStore } from './store.js';
import { TokenJournal, type TokenRequestObserver } from './token-journal.js';

export type { OrgClient } from './client-registry.js';
export type { OrgControl } from './control.js';
export type { OrgCounters } from './counters.js';
export type { Fault, FaultKind, PendingFault } from './faults.js';
export type { GrantSelection, OrgGrant } from './grants.js';
export type { IssuedOrgGrant, NewOrgGrant } from './issue-grant.js';
export {
  type AdminRole,
  DEFAULT_PEOPLE,
  type OrgUser,
  type Person,
  SANDBOX_PASSWORD,
  type UserStatus,
} from './people.js';
export type { RotationMode, TokenSettings } from './settings.js';
export {
  CALLER_HEADER,
  type TokenRequestObserver,
  type TokenRequestRecord,
  tokenFingerprint,
} from './token-journal.js';

/** In the range of Okta's own defaults. */
const CALLS_PER_MINUTE = 600;

export interface OrgOptions {
  /** 0 takes a free one. */
  port: number;
  /** The address to listen on. Default `127.0.0.1`: the org guards nothing and is not for a network. */
  host?: string;
  /** The org's URL as apps know it. Default `http://localhost:<port>`. */
  issuer?: string;
  clients: readonly OrgClient[];
  /** Default 3600, as at Okta's org server. */
  accessTokenLifetimeSeconds?: number;
  /** Default `STATIC`, as Okta's for web apps. */
  rotation?: RotationMode;
  /** Default 30, as at Okta. */
  graceSeconds?: number;
  /** Who can sign in. Default: {@link DEFAULT_PEOPLE}. */
  people?: readonly Person[];
  /** Calls per minute and endpoint: of each caller at `/api/v1`, of all together at introspection and userinfo. Default 600. */
  callsPerMinute?: number;
  /** Milliseconds since the epoch. Default `Date.now`. `control.moveClock` moves the org's time from here. */
  clock?: () => number;
  /** Told of every call of the token endpoint when it is over, faulted and lost ones too. */
  onTokenRequest?: TokenRequestObserver;
}

/** A running org. */
export interface Org {
  /** Its URL and issuer, without a trailing slash. */
  url: string;
  control: OrgControl;
  /** Ends every connection, hanging ones too. */
  close(): Promise<void>;
}

/**
 * Starts a sandbox Okta org: Okta's org authorization server, the sign-in and consent pages, a part of the management
 * API, and a control to make all of it misbehave. It keeps everything in memory.
 *
 * Rejects with the system's error (`EADDRINUSE`, say) where it can't listen, and with `RangeError` for settings that
 * the org can't work with.
 */
export async function startOrg(options: OrgOptions): Promise<Org> {
  const { accessTokenLifetimeSeconds, rotation, graceSeconds } = options;
  const settings = checkTokenSettings({
    accessTokenLifetimeSeconds: accessTokenLifetimeSeconds ?? OKTA_TOKEN_SETTINGS.accessTokenLifetimeSeconds,
    rotation: rotation ?? OKTA_TOKEN_SETTINGS.rotation,
    graceSeconds: graceSeconds ?? OKTA_TOKEN_SETTINGS.graceSeconds,
  });
  // It listens first: with port 0 the issuer is only known then.
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host ?? '127.0.0.1', () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  const clock = createOrgClock(options.clock);
  const store = new OrgStore(clock, settings);
  const state: OrgState = {
    issuer: (options.issuer ?? `http://localhost:${port}`).replace(/\/+$/, ''),
    clock,
    settings,
    dpop: { nonceRequired: false },
    callsPerMinute: options.callsPerMinute ?? CALLS_PER_MINUTE,
    store,
    directory: new Directory(options.people ?? DEFAULT_PEOPLE),
    clients: new ClientRegistry(options.clients),
    faults: new FaultQueue(),
    counters: zeroCounters(),
    journal: new TokenJournal(store, clock.wallMillis, options.onTokenRequest),
  };
  const authorizationServer = await createAuthorizationServer(state);
  const control = createControl(state, authorizationServer);
  server.on('request', createApp(state, control, authorizationServer));
  return {
    url: state.issuer,
    control,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
        state.faults.clear();
      }),
  };
}

function createApp(state: OrgState, control: OrgControl, authorizationServer: Provider): Express {
  const app = express();
  app.disable('x-powered-by');
  // No scripts, no frames. No form-action: Chromium would apply it to the redirect back to the app.
  app.use([SIGN_IN_PATH, CONSENT_PATH, '/control'], (_req, res, next) => {
    res.set(
      'Content-Security-Policy',
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
    );
    next();
  });
  // In front of the faults: a sandbox that fails everything must still be able to stop it.
  app.use('/control', controlRoutes(state, control));
  app.use(readForm);
  app.use((req, _res, next) => {
    countRequest(state.counters, req.path, formOf(req));
    next();
  });
  app.use(state.journal.follow());
  const ownDate = tellOwnDate(state.clock);
  app.use([...PATHS_OF_APPS], ownDate);
  app.use(meetFaults(state));
  // Again: a call that hung is answered later than it came.
  app.use([...PATHS_OF_APPS], ownDate);
  app.get('/.well-known/okta-organization', (_req, res) => {
    res.json({
      id: oktaId('00o', state.issuer),
      pipeline: 'idx',
      _links: { organization: { href: state.issuer } },
      settings: { analyticsCollectionEnabled: false, bugReportingEnabled: false, omEnabled: false },
    });
  });
  app.use(['/oauth2/v1/introspect', '/oauth2/v1/userinfo'], limitCalls(state));
  app.use('/api/v1', managementApi(state, authorizationServer));
  app.use(signInRoutes(state, authorizationServer));

  const answer = authorizationServer.callback();
  app.use((req, res) => {
    if (req.path === '/oauth2/v1/authorize') {
      const url = new URL(req.url, state.issuer);
      const refused = refuseSilently(url.searchParams, state.clients);
      if (refused !== null) return void res.redirect(302, refused);
      adaptAuthorizationRequest(url.searchParams);
      req.url = `${url.pathname}${url.search}`;
    }
    const pushed = req.path === '/oauth2/v1/par' ? formOf(req) : undefined;
    if (pushed) adaptAuthorizationRequest(pushed);
    state.journal.noteHandedOver(res, answer(replay(req, pushed), res));
  });
  app.use(((error: { status?: number }, _req, res, _next) => {
    const status = error.status ?? 500;
    if (status >= 500) console.error('Sandbox Okta org:', error);
    res.status(status).send(errorPage('invalid_request', 'The org could not read this request.'));
  }) satisfies ErrorRequestHandler);
  return app;
}
