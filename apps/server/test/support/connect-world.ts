import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { findProvider, type ProviderDefinition } from '@authpipe/providers';
import type { ConnectSessionRequest, CreatedConnectSession } from '@authpipe/types';
import { connectSessionRequest } from '@authpipe/types';
import express from 'express';
import { type Org, type OrgClient, startOrg } from '../../../demo/src/org/index.js';
import { type Browser, createBrowser, type Page } from '../../../demo/src/walk/index.js';
import { addSeconds, type Clock } from '../../src/clock.js';
import { createConnect } from '../../src/connect/create-connect.js';
import { createOwnerConnections } from '../../src/connect/owner-connections.js';
import { createConnectionStore } from '../../src/credentials/connection-store.js';
import { createCredentialStore } from '../../src/credentials/credential-store.js';
import { createGrantStore } from '../../src/credentials/grant-store.js';
import { createRefreshStore } from '../../src/credentials/refresh-store.js';
import { toConnectedAccount } from '../../src/credentials/to-wire.js';
import { createNodes } from '../../src/db/nodes.js';
import { createDisconnect } from '../../src/disconnect/disconnect.js';
import { createTenantStore } from '../../src/disconnect/tenant-store.js';
import { createConnectRouter } from '../../src/http/connect/connect-router.js';
import { createIntegrations } from '../../src/integrations/integration-store.js';
import { createLogger } from '../../src/log/logger.js';
import { createOAuth, type OAuthDependencies } from '../../src/oauth/create-oauth.js';
import { createGuardedFetch } from '../../src/oauth/guarded-fetch.js';
import { newId, systemRandomness } from '../../src/randomness.js';
import { createFindTarget } from '../../src/refresh/find-target.js';
import { openVault } from '../../src/vault/open-vault.js';
import { rootKeyOf } from '../../src/vault/root-key.js';
import { openTestDatabase } from './databases.js';
import { plantIdentity } from './world.js';

export const ENVIRONMENT = 'test';
export const APP_ORIGIN = 'http://app.example.test';
export const CLIENT = { clientId: '0oaconnect', clientSecret: 'planted-client-secret' };

/** Everything that a log said, to be searched. */
export const recordingLog = () => {
  const lines: string[] = [];
  const log = createLogger('debug', { write: (line: string) => void lines.push(line) });
  return { lines, log };
};

/** A port that is listened on before what answers there is made: its number is part of the public URL. */
const listen = async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { server, port, close };
};

export interface ConnectWorldOptions {
  /** A provider beside those of the catalogue. */
  readonly definition?: ProviderDefinition;
  readonly timeoutMillis?: number;
  /** How the org's administrators made the app, where not by the default. */
  readonly orgClient?: Partial<OrgClient>;
  /** DNS, as the server sees it. */
  readonly resolve?: OAuthDependencies['resolve'];
  /** Runs just before a grant is saved: the last moment at which something else can happen. */
  readonly beforeSave?: () => Promise<void>;
}

/** The hosted pages on a real database, and a sandbox org to sign in at. */
export const startConnectWorld = async ({
  definition,
  timeoutMillis,
  orgClient = {},
  resolve,
  beforeSave,
}: ConnectWorldOptions = {}) => {
  const db = await openTestDatabase();
  const { server, port, close } = await listen();
  const publicUrl = `http://localhost:${port}`;
  const callback = `${publicUrl}/connect/callback`;
  const org = await startOrg({ port: 0, clients: [{ ...CLIENT, redirectUris: [callback], ...orgClient }] });
  const domain = new URL(org.url).host;

  let offsetSeconds = 0;
  const clock: Clock = { now: () => addSeconds(new Date(), offsetSeconds) };
  const { lines, log } = recordingLog();
  const find = (id: string) => (id === definition?.id ? definition : findProvider(id));
  const shared = { db, clock, randomness: systemRandomness };
  const vault = await openVault({ ...shared, rootKeys: [rootKeyOf(Buffer.alloc(32, 7))] });
  const wire = { findProvider: find, allowLoopback: true };
  const integrations = createIntegrations({
    ...shared,
    vault,
    allowLoopback: true,
    isProduction: false,
    findProvider: find,
  });
  const connections = createConnectionStore({ ...shared, wire });
  const grants = createGrantStore({
    ...shared,
    vault,
    connections,
    findProvider: find,
    probeIntervalSeconds: 900,
  });
  const oauth = createOAuth({
    allowLoopback: true,
    clock,
    log,
    ...(timeoutMillis === undefined ? {} : { timeoutMillis }),
    ...(resolve === undefined ? {} : { resolve }),
  });
  const connect = createConnect({
    ...shared,
    vault,
    log,
    oauth,
    fetch: createGuardedFetch({ allowLoopback: true, log }),
    integrations,
    connections: {
      findRecord: connections.findRecord,
      saveGrant: async (grant) => {
        await beforeSave?.();
        return grants.saveGrant(grant);
      },
      toConnectedAccount: (record) => toConnectedAccount(record, wire),
    },
    findProvider: find,
    allowLoopback: true,
    publicUrl,
  });
  const credentials = createCredentialStore({ db, vault });
  const nodes = createNodes({ db, clock, id: newId('node', systemRandomness) });
  const refreshes = createRefreshStore({ ...shared, vault, nodes, proof: await plantIdentity(db) });
  const disconnect = createDisconnect({
    connections,
    credentials,
    refreshes: {
      claimRefresh: async (...given) => {
        await nodes.beat();
        return refreshes.claimRefresh(...given);
      },
    },
    tenants: createTenantStore({ db, vault }),
    oauth,
    findTarget: createFindTarget({ integrations, findProvider: find }),
    mayRevoke: () => true,
    sleep: () => Promise.resolve(),
    log,
  });
  const ownerConnections = createOwnerConnections({
    listConnections: connections.listConnections,
    getConnection: connections.getConnection,
    deleteConnection: disconnect.deleteConnection,
    clock,
  });
  const openPages = () =>
    express().use(
      createConnectRouter({
        connect,
        findProvider: find,
        allowLoopback: true,
        ownerConnections,
        publicUrl,
        log,
      }),
    );
  let pages = openPages();
  server.on('request', (request, response) => pages(request, response));

  return {
    db,
    vault,
    org,
    domain,
    connect,
    findProvider: find,
    ownerConnections,
    connections,
    credentials,
    integrations,
    grants,
    oauth,
    publicUrl,
    callback,
    /** Everything the log said. */
    logLines: lines,
    /** Begins to count anew how often a browser asked: tests ask more often than a person does. */
    forgetRequests: () => {
      pages = openPages();
    },
    /** Moves the server's clock; the org's stays. */
    moveClock: (seconds: number) => {
      offsetSeconds += seconds;
    },
    /** Sets the org, or another provider, up as an OAuth client of the product or of one tenant. */
    setUp: async (
      integrationId = 'okta',
      more: {
        tenantId?: string;
        provider?: string;
        config?: Record<string, string>;
        scopes?: string[];
        redirectUri?: string;
      } = {},
    ) => {
      const { tenantId = null, provider = 'okta', config = { domain }, scopes, redirectUri } = more;
      const request = {
        ...{ provider, ...CLIENT, config },
        ...(scopes ? { scopes } : {}),
        ...(redirectUri === undefined ? {} : { redirectUri }),
      };
      return integrations.putIntegration({ environment: ENVIRONMENT, tenantId, integrationId, request });
    },
    close: async () => {
      await close();
      await org.close();
      await db.close();
    },
  };
};

export type ConnectWorld = Awaited<ReturnType<typeof startConnectWorld>>;

/** A session as an app's backend makes it, for `user_123` of `org_acme` unless told. */
export const newSession = (
  world: ConnectWorld,
  more: Partial<ConnectSessionRequest> = {},
): Promise<CreatedConnectSession> => {
  const owner = more.owner === undefined ? { userId: 'user_123' } : {};
  const request = connectSessionRequest.parse({
    tenantId: 'org_acme',
    ...owner,
    allowedOrigins: [APP_ORIGIN],
    ...more,
  });
  return world.connect.createSession({ key: { environment: ENVIRONMENT }, request });
};

/** How a session stands, as the app's backend asks. */
export const stateOf = (world: ConnectWorld, { id }: { id: string }) =>
  world.connect.getSession(ENVIRONMENT, id, null);

/** Presses the app's button: the form that it posts into the popup. */
export const pressButton = (
  world: ConnectWorld,
  browser: Browser,
  { token }: { token: string },
  fields: Record<string, string> = {},
  origin = APP_ORIGIN,
): Promise<Page> =>
  browser.post(
    `${world.publicUrl}/connect`,
    { token, integration: 'okta', display: 'popup', ...fields },
    { origin },
  );

/** Signs a person in at the org and decides, from the org's sign-in page on. */
export const signInAt = async (
  signIn: Page,
  { person = 'ada@acme.test', decision = 'allow' } = {},
): Promise<Page> => {
  const consent = await signIn.submit({ button: `person=${person}` });
  return consent.submit({ button: `decision=${decision}` });
};

/** The whole way: button, Continue, sign-in, consent; ends on the last page. */
export const walkThrough = async (
  world: ConnectWorld,
  session: { token: string },
  choice: { person?: string; decision?: string; browser?: Browser } = {},
): Promise<Page> => {
  const browser = choice.browser ?? createBrowser();
  const hosted = await pressButton(world, browser, session);
  return signInAt(await hosted.submit({ button: 'Continue' }), choice);
};

/** The address of the callback, in front of which the browser stopped. */
export const walkToCallback = async (
  world: ConnectWorld,
  session: { token: string },
  choice: { person?: string; decision?: string } = {},
): Promise<{ callback: URL; browser: Browser; resume: (url?: URL) => Promise<Page> }> => {
  let stopping = true;
  const browser = createBrowser({ stopAt: (url) => stopping && url.href.startsWith(world.callback) });
  const page = await walkThrough(world, session, { ...choice, browser });
  return {
    callback: page.url,
    browser,
    resume: (url = page.url) => {
      stopping = false;
      return browser.open(url);
    },
  };
};

export { type Browser, createBrowser, type Org, type Page };
