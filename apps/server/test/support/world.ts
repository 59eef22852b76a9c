import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProvider as findInCatalogue, type ProviderDefinition } from '@authpipe/providers';
import { type Org, startOrg } from '../../../demo/src/org/index.js';
import { createBrowser } from '../../../demo/src/walk/index.js';
import { addSeconds, type Clock, systemClock } from '../../src/clock.js';
import { createConnectionStore } from '../../src/credentials/connection-store.js';
import { createCredentialStore } from '../../src/credentials/credential-store.js';
import { createExpiringStore } from '../../src/credentials/expiring-store.js';
import { createGrantStore, type NewGrant, type SavedGrant } from '../../src/credentials/grant-store.js';
import { createNamedSecretStore } from '../../src/credentials/named-secret-store.js';
import { createProbeStore } from '../../src/credentials/probe-store.js';
import { createReadCredential } from '../../src/credentials/read-credential.js';
import { accessTokenExpiry, refreshTokenExpiry } from '../../src/credentials/refresh-schedule.js';
import { createRefreshStore, type RefreshStore } from '../../src/credentials/refresh-store.js';
import { createUsageStore } from '../../src/credentials/usage-store.js';
import type { Database } from '../../src/db/database.js';
import type { DatabaseProof } from '../../src/db/database-proof.js';
import { createNodes } from '../../src/db/nodes.js';
import { createDeploymentStore } from '../../src/deployment/deployment-store.js';
import { createDisconnect } from '../../src/disconnect/disconnect.js';
import { createTenantStore } from '../../src/disconnect/tenant-store.js';
import { createEventLog } from '../../src/events/event-log.js';
import { createHealth } from '../../src/health/health.js';
import { createProbeCredential } from '../../src/health/probe-credential.js';
import { createProbeLimits } from '../../src/health/probe-limits.js';
import { createIntegrations } from '../../src/integrations/integration-store.js';
import { createNoteRefusedClient } from '../../src/integrations/note-refused-client.js';
import { createLogger } from '../../src/log/logger.js';
import { createOAuth } from '../../src/oauth/create-oauth.js';
import { createGuardedFetch } from '../../src/oauth/guarded-fetch.js';
import type { OAuth, OAuthTarget, TokenGrant } from '../../src/oauth/oauth.js';
import { createOutages } from '../../src/outages/outages.js';
import { newId, type Randomness, systemRandomness } from '../../src/randomness.js';
import { createFindTarget } from '../../src/refresh/find-target.js';
import type { ProvenanceOf } from '../../src/refresh/judge-token.js';
import { createRefresh } from '../../src/refresh/refresh.js';
import { createSpool } from '../../src/refresh/spool.js';
import { createTokenEndpointGate } from '../../src/refresh/token-endpoint-gate.js';
import type { Sleep } from '../../src/sleep.js';
import { openVault } from '../../src/vault/open-vault.js';
import { rootKeyOf } from '../../src/vault/root-key.js';
import { oktaDefinition, oktaMethod } from './okta.js';

export const CLIENT_ID = '0oaserver';
export const CLIENT_SECRET = 'planted-client-secret';
export const ENVIRONMENT = 'test';
export const TENANT = 'org_acme';
export const PROBE_INTERVAL_SECONDS = 900;
const CALLBACK = 'http://app.localhost:1/connect/callback';
const SCOPES = ['openid', 'profile', 'email', 'offline_access', 'okta.users.read'];

/** A clock that tests move; the org follows it. */
export interface TestClock extends Clock {
  move(seconds: number): void;
}

export const testClock = (start = new Date()): TestClock => {
  let offsetSeconds = 0;
  return {
    now: () => addSeconds(start, offsetSeconds),
    move: (seconds) => {
      offsetSeconds += seconds;
    },
  };
};

/** Waits of a second and more are bounds on what is waited for, and real. */
const BOUND_MILLIS = 1_000;
/** A moment in real time: long enough for whoever is waited for to get on. */
const shortSleep = (millis: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, millis < BOUND_MILLIS ? 5 : millis).unref();
  });

/** What a process of the server is made of, as far as tokens are concerned. */
export interface NodeOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly log?: ReturnType<typeof createLogger>;
  readonly timeoutMillis?: number;
  /** A provider beside those of the catalogue. */
  readonly definition?: ProviderDefinition;
  /** Stands between the server and its providers. */
  readonly withOAuth?: (oauth: OAuth) => OAuth;
  /** Whether it says that it runs: a dead or frozen process does not. */
  readonly isBeating?: () => boolean;
  readonly isFrozen?: () => boolean;
  readonly provenanceOf?: ProvenanceOf;
  /** What it knows its database by. That the database has some identity, unless told. */
  readonly proof?: () => DatabaseProof | null;
  readonly mayRevoke?: (issuedAt: Date) => boolean;
  readonly monotonicMillis?: () => number;
  /** The machine's own clock: with the counter, unless told. */
  readonly wallMillis?: () => number;
  /** Its jitter, in [0, 1), the same each time. None, unless told. */
  readonly jitter?: number;
  /** How it waits: a moment for less than a second, else in real time, unless told. */
  readonly sleep?: Sleep;
  /** Where it keeps what the database did not take. */
  readonly spoolFolder?: string;
}

/** Gives a database an identity, unless it has one, and answers what proves it. */
export const plantIdentity = async (db: Database): Promise<() => DatabaseProof> => {
  const store = createDeploymentStore({ db });
  const planted = { deploymentId: 'dep_test', rootKeyId: '', highWater: 0, now: new Date(0) };
  await store.createIdentity(planted);
  const { deploymentId } = (await store.findIdentity()) ?? planted;
  return () => ({ deploymentId, atLeast: 0 });
};

/** Wires the rooms as the server does: one call is one replica. */
export const startNode = async ({
  db,
  clock,
  log = createLogger('silent'),
  timeoutMillis = 10_000,
  definition,
  withOAuth = (oauth) => oauth,
  isBeating = () => true,
  isFrozen = () => false,
  provenanceOf = () => 'own',
  proof,
  mayRevoke = () => true,
  monotonicMillis = () => clock.now().getTime(),
  wallMillis = monotonicMillis,
  jitter = 0,
  sleep = shortSleep,
  spoolFolder = join(tmpdir(), 'authpipe-test-spools', randomUUID()),
}: NodeOptions) => {
  const findProvider = (id: string) => (id === definition?.id ? definition : findInCatalogue(id));
  const randomness: Randomness = { ...systemRandomness, fraction: () => jitter };
  const living = createNodes({ db, clock, id: newId('node', randomness) });
  // A server beats all the time; here it does so before each claim, since tests move time in leaps.
  const beatFirst = async <Result>(claim: () => Promise<Result>): Promise<Result> => {
    if (isBeating()) await living.beat();
    return claim();
  };
  const rootKeys = [rootKeyOf(Buffer.alloc(32, 7))];
  const wire = { findProvider, allowLoopback: true };
  const vault = await openVault({ db, rootKeys, clock, randomness });
  const oauth = withOAuth(createOAuth({ allowLoopback: true, clock, log, timeoutMillis }));
  const integrations = createIntegrations({
    db,
    vault,
    clock,
    randomness,
    allowLoopback: true,
    isProduction: false,
    whenMended: (rowId) => refreshes.wakeConnectionsOf(rowId, 0),
  });
  const connections = createConnectionStore({ db, clock, randomness, wire });
  const credentials = createCredentialStore({ db, vault });
  const grants = createGrantStore({
    db,
    vault,
    clock,
    randomness,
    connections,
    findProvider,
    probeIntervalSeconds: PROBE_INTERVAL_SECONDS,
  });
  const store = createRefreshStore({
    ...{ db, vault, clock, randomness, nodes: living },
    proof: proof ?? (await plantIdentity(db)),
  });
  const refreshes: RefreshStore = {
    ...store,
    claimDueRefreshes: (...given) => beatFirst(() => store.claimDueRefreshes(...given)),
    claimRefresh: (...given) => beatFirst(() => store.claimRefresh(...given)),
  };
  const usage = createUsageStore({ db, clock });
  const gate = createTokenEndpointGate({ db, clock, randomness, log });
  const spool = createSpool({ folder: spoolFolder, store: refreshes, log });
  const probes = createProbeStore({ db, clock, randomness, owner: living.id });
  const findTarget = createFindTarget({ integrations, findProvider });
  const outages = createOutages({
    ...{ db, clock, randomness, log },
    // Both are made below; nothing is asked before.
    askWitness: (witness, question) =>
      question === 'renewal' ? refresh.bearWitness(witness) : health.askWitness(witness, question),
    intervalSeconds: PROBE_INTERVAL_SECONDS,
  });
  // A refresh does not wait for what it teaches; tests do.
  const lessons = new Set<Promise<void>>();
  const learnLifetime: typeof integrations.learnLifetime = (...given) => {
    const lesson = integrations.learnLifetime(...given);
    lessons.add(lesson);
    return lesson;
  };
  const refresh = createRefresh({
    store: refreshes,
    credentials,
    integrations: { ...integrations, learnLifetime },
    oauth,
    findTarget,
    gate,
    spool,
    outages,
    isFrozen,
    provenanceOf,
    mayRevoke,
    inTouchSince: living.inTouchSince,
    clock,
    monotonicMillis,
    wallMillis,
    randomness,
    sleep,
    log,
    wire,
  });
  const health = createHealth({
    store: probes,
    credentials,
    connections,
    probe: createProbeCredential({
      oauth,
      fetch: createGuardedFetch({ allowLoopback: true, log, timeoutMillis }),
      findTarget,
      leaveFor: createProbeLimits({ db, clock, log }).leaveFor,
      wire,
    }),
    outages,
    tendOutages: outages.tend,
    noteRefusedClient: createNoteRefusedClient({ integrations, clock }),
    refreshIfDue: refresh.refreshIfDue,
    refreshNow: refresh.refreshNow,
    clock,
    randomness,
    wire,
    intervalSeconds: PROBE_INTERVAL_SECONDS,
    sleep,
    log,
  });
  const eventLog = createEventLog({ db });
  const events = {
    ...eventLog,
    /** All events of an environment after a position, in the order of delivery. */
    listEvents: async (environment: string, after: number) => {
      await eventLog.numberEvents();
      const all = await eventLog.eventsAfter(after, 10_000);
      return all.filter(({ event }) => event.environment === environment);
    },
  };
  return {
    db,
    vault,
    oauth,
    // The org's ID tokens are in real time, however its clock was moved.
    signInOAuth: createOAuth({ allowLoopback: true, clock: systemClock, log }),
    integrations,
    connections,
    credentials,
    grants,
    refreshes,
    probes,
    refresh,
    health,
    /** Waits for what refreshes taught. */
    learned: () => Promise.allSettled(lessons),
    findTarget,
    secrets: createNamedSecretStore({ db, vault, clock, connections }),
    disconnect: createDisconnect({
      connections,
      credentials,
      refreshes,
      tenants: createTenantStore({ db, vault }),
      oauth,
      findTarget,
      mayRevoke,
      sleep,
      log,
    }),
    events,
    readCredential: createReadCredential({
      credentials,
      refreshIfDue: refresh.refreshIfDue,
      clock,
      wire,
      noteUse: usage.noteUse,
    }),
    nodes: living,
    usage,
    gate,
    spool,
    expiring: createExpiringStore({ db, randomness }),
  };
};

export type TestNode = Awaited<ReturnType<typeof startNode>>;

/** An org on the test's clock that knows the server as a client. */
export const startTestOrg = (clock: Clock, options: { graceSeconds?: number } = {}): Promise<Org> =>
  startOrg({
    port: 0,
    clients: [{ clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, redirectUris: [CALLBACK] }],
    clock: () => clock.now().getTime(),
    rotation: 'ROTATE',
    ...options,
  });

/** Sets the org up as the integration `okta` (or another name) of the product. */
export const setUpIntegration = async (node: TestNode, org: Org, integrationId = 'okta') => {
  const { record } = await node.integrations.putIntegration({
    environment: ENVIRONMENT,
    tenantId: null,
    integrationId,
    request: {
      provider: 'okta',
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      config: { domain: new URL(org.url).host },
    },
  });
  return record;
};

/** Signs a person in at the org and allows access: a real set of tokens. */
export const signIn = async (node: TestNode, org: Org, person = 'ada@acme.test'): Promise<TokenGrant> => {
  const target: OAuthTarget = {
    definition: oktaDefinition,
    method: oktaMethod,
    config: { domain: new URL(org.url).host },
    client: { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
  };
  const codeVerifier = systemRandomness.bytes(32).toString('base64url');
  const [state = '', nonce = ''] = [0, 1].map(() => systemRandomness.bytes(32).toString('base64url'));
  const { url, issuer } = await node.signInOAuth.authorizationUrl(target, {
    redirectUri: CALLBACK,
    state,
    nonce,
    codeVerifier,
    scopes: SCOPES,
  });
  const browser = createBrowser({ stopAt: (at) => at.href.startsWith(CALLBACK) });
  const consent = await (await browser.open(url)).submit({ button: `person=${person}` });
  const callback = await consent.submit({ button: 'Allow access' });
  return node.signInOAuth.exchangeCode(target, {
    callbackUrl: callback.url,
    expectedState: state,
    expectedNonce: nonce,
    codeVerifier,
    expectedIssuer: issuer,
  });
};

/** Connects a user as the connect flow does: signs in, saves the grant. */
export const connectUser = async (
  node: TestNode,
  org: Org,
  clock: Clock,
  more: Partial<NewGrant> & { userId?: string; person?: string; integrationId?: string } = {},
): Promise<SavedGrant> => {
  const { userId = 'user_123', person, integrationId = 'okta', ...rest } = more;
  const integration = await node.integrations.resolveIntegration({
    environment: ENVIRONMENT,
    tenantId: TENANT,
    integration: integrationId,
  });
  const issuedAt = clock.now();
  const grant = await signIn(node, org, person);
  return node.grants.saveGrant({
    key: {
      environment: ENVIRONMENT,
      integrationId,
      tenantId: TENANT,
      owner: 'user',
      userId,
      label: 'default',
    },
    integrationRowId: integration.rowId,
    provider: 'okta',
    authMethod: oktaMethod.id,
    kind: 'oauth2',
    secrets: { kind: 'oauth2', accessToken: grant.accessToken, refreshToken: grant.refreshToken },
    tokenType: grant.tokenType,
    issuedAt,
    expiresAt: accessTokenExpiry(issuedAt, grant.expiresInSeconds),
    refreshExpiresAt: refreshTokenExpiry(oktaMethod, issuedAt),
    account: grant.account,
    requestedScopes: SCOPES,
    scopes: grant.scopes ?? SCOPES,
    config: {},
    verifiedBy: 'connect',
    ...rest,
  });
};

/** The reference an app would use. */
export const refOf = (userId = 'user_123', label = 'default') =>
  ({ provider: 'okta', tenantId: TENANT, userId, label }) as const;

/** Types of the events of a connection, in order. */
export const eventsOf = async (node: TestNode, connectionId: string): Promise<string[]> =>
  (await node.events.listEvents(ENVIRONMENT, 0))
    .filter(({ event }) => event.connectionId === connectionId)
    .map(({ event }) => event.type);

/** Asks the org's API with a credential's own headers. */
export const orgAnswers = async (
  org: Org,
  { headers }: { headers: Record<string, string> },
): Promise<number> => (await fetch(new URL('/api/v1/users/me', org.url), { headers })).status;

/** Connects a new user with each call. Give what the suite has by then; `read` reads as the node that is named. */
export const userConnector = (suite: () => { node: TestNode; org: Org; clock: Clock }) => {
  let users = 0;
  return async (more: Parameters<typeof connectUser>[3] = {}) => {
    const { node, org, clock } = suite();
    users += 1;
    const userId = `user_${users}`;
    const { connection } = await connectUser(node, org, clock, { userId, ...more });
    return {
      id: connection.id,
      userId,
      read: (by: TestNode = node) => by.readCredential(refOf(userId), ENVIRONMENT, null),
    };
  };
};
