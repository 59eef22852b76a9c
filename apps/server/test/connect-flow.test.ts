import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  APP_ORIGIN,
  type ConnectWorld,
  createBrowser,
  ENVIRONMENT,
  newSession,
  pressButton,
  signInAt,
  startConnectWorld,
  stateOf,
  walkThrough,
  walkToCallback,
} from './support/connect-world.js';

let world: ConnectWorld;
let users = 0;
/** Each test has a user of its own. */
let userId = '';

beforeAll(async () => {
  world = await startConnectWorld();
  await world.setUp();
});
afterAll(() => world.close());
beforeEach(() => {
  users += 1;
  userId = `user_${users}`;
});
afterEach(() => world.org.control.reset());

const session = (more: Parameters<typeof newSession>[1] = {}) => newSession(world, { userId, ...more });

const connected = async (more: { person?: string } = {}) => {
  const made = await session();
  await walkThrough(world, made, more);
  const { connection } = await stateOf(world, made);
  if (!connection) throw new Error('nothing was connected');
  return connection;
};

describe('connecting an account', () => {
  it('ends with a connection that the backend can read', async () => {
    const made = await session({ metadata: { plan: 'pro' } });
    const done = await walkThrough(world, made);
    expect(done.text).toContain('ada@acme.test is connected');
    expect(await stateOf(world, made)).toMatchObject({
      status: 'complete',
      connection: {
        integration: 'okta',
        status: 'healthy',
        account: { email: 'ada@acme.test', name: 'Ada Lovelace' },
        missingScopes: [],
      },
    });
  });

  it('keeps a credential that works, and knows when a person has to come again', async () => {
    const { id } = await connected();
    const stored = await world.credentials.openCredential(id, ENVIRONMENT);
    expect(stored?.secrets).toMatchObject({ kind: 'oauth2', refreshToken: expect.any(String) });
    const days = ((stored?.refreshExpiresAt?.getTime() ?? 0) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(89.9);
    expect(days).toBeLessThan(90.1);
    expect(stored?.connection.requestedScopes).toContain('offline_access');
    expect(stored?.connection.config).toEqual({ domain: world.domain });
  });

  it('asks for the session’s scopes before the integration’s before the definition’s', async () => {
    // Without a request that is pushed, the address says what is asked for.
    world.org.control.failNext({ path: '/oauth2/v1/par', kind: 'server_error', times: 3 });
    const scopesOf = async (made: { token: string }) => {
      const { browser } = await walkToCallback(world, made);
      const authorize = browser.visited.find((url) => url.includes('/oauth2/v1/authorize'));
      return new URL(authorize ?? '').searchParams.get('scope');
    };
    expect(await scopesOf(await session())).toBe('openid profile email okta.users.read offline_access');
    expect(await scopesOf(await session({ scopes: ['openid', 'okta.groups.read'] }))).toBe(
      'openid okta.groups.read offline_access',
    );
    await world.setUp('okta-groups', { scopes: ['openid', 'okta.apps.read'] });
    const browser = createBrowser();
    const made = await session({ integrations: ['okta-groups'] });
    const hosted = await pressButton(world, browser, made, { integration: 'okta-groups' });
    expect(hosted.text).toContain('Read access to applications');
    const signIn = await hosted.submit({ button: 'Continue' });
    const authorize = browser.visited.find((url) => url.includes('/oauth2/v1/authorize'));
    expect(new URL(authorize ?? '').searchParams.get('scope')).toBe('openid okta.apps.read offline_access');
    expect(signIn.status).toBe(200);
  });

  it('reconnects under the same id, through the same button or by the connection’s id', async () => {
    const first = await connected();
    expect((await connected()).id).toBe(first.id);
    const again = await session({ connectionId: first.id });
    const hosted = await pressButton(world, createBrowser(), again);
    expect(hosted.text).toContain('Reconnect Okta');
    expect(hosted.text).toContain('ada@acme.test');
    await signInAt(await hosted.submit({ button: 'Continue' }));
    expect((await stateOf(world, again)).connection?.id).toBe(first.id);
  });

  it('lets a button name the connection, if it is the owner’s', async () => {
    const mine = await connected();
    const hosted = await pressButton(world, createBrowser(), await session(), { connection_id: mine.id });
    expect(hosted.text).toContain('Reconnect Okta');
    userId = 'somebody_else';
    const foreign = await pressButton(world, createBrowser(), await session(), { connection_id: mine.id });
    expect(foreign.status).toBe(409);
    expect(foreign.text).toContain('can not be connected');
  });

  it('refuses another account on a reconnect, changes nothing, and ends the fresh grant', async () => {
    const before = await connected();
    const version = (await world.connections.getConnection(before.id, ENVIRONMENT)).version;
    const made = await session({ connectionId: before.id });
    const done = await walkThrough(world, made, { person: 'grace@acme.test' });
    expect(done.text).toContain('Another account signed in');
    expect(await stateOf(world, made)).toMatchObject({
      status: 'failed',
      error: { code: 'account_mismatch' },
    });
    expect((await world.connections.getConnection(before.id, ENVIRONMENT)).version).toBe(version);
    expect(world.org.control.listGrants().map(({ userEmail }) => userEmail)).toEqual(['ada@acme.test']);
  });

  it('names no account in the log of an attempt that failed', async () => {
    const made = await session({ connectionId: (await connected()).id });
    await walkThrough(world, made, { person: 'grace@acme.test' });
    expect((await stateOf(world, made)).error?.detail).toContain('ada@acme.test');
    const line = world.logLines.findLast((each) => each.includes('"audit":"connect.failed"')) ?? '';
    expect(JSON.parse(line)).toMatchObject({ sessionId: made.id, outcome: 'account_mismatch' });
    expect(line).not.toContain('@acme.test');
  });

  it('ends the fresh grant when the connection to be mended was deleted meanwhile', async () => {
    const before = await connected();
    const made = await session({ connectionId: before.id });
    const trip = await walkToCallback(world, made);
    await world.connections.eraseConnection(before.id, ENVIRONMENT, 1);
    world.org.control.revokeGrants({ user: 'linus@acme.test' });
    const grants = world.org.control.listGrants().length;
    const done = await trip.resume();
    expect(done.status).toBe(200);
    expect(await stateOf(world, made)).toMatchObject({
      status: 'failed',
      error: { code: 'session_expired' },
    });
    expect(world.org.control.listGrants().length).toBeLessThan(grants);
  });
});

describe('what does not end in a connection', () => {
  it('a cancel on the hosted page', async () => {
    const made = await session();
    const hosted = await pressButton(world, createBrowser(), made);
    const done = await hosted.submit({ button: 'Cancel' });
    expect(done.text).toContain('You cancelled');
    expect(await stateOf(world, made)).toMatchObject({ status: 'failed', error: { code: 'cancelled' } });
  });

  it('a denial at the provider', async () => {
    const made = await session();
    const done = await walkThrough(world, made, { decision: 'cancel' });
    expect(done.text).toContain('Access was declined');
    expect(await stateOf(world, made)).toMatchObject({ status: 'failed', error: { code: 'access_denied' } });
  });

  it('a session whose time is over, before the trip and after it', async () => {
    const before = await session();
    const after = await session();
    const hosted = await pressButton(world, createBrowser(), before);
    const trip = await walkToCallback(world, after);
    world.moveClock(1801);
    try {
      expect((await hosted.submit({ button: 'Continue' })).text).toContain('This took too long');
      expect((await trip.resume()).text).toContain('This took too long');
      for (const made of [before, after]) {
        expect(await stateOf(world, made)).toMatchObject({
          status: 'expired',
          error: { code: 'session_expired' },
        });
      }
    } finally {
      world.moveClock(-1801);
    }
  });

  it('trouble of the provider, which leaves the person another try in the same session', async () => {
    const made = await session();
    world.org.control.failNext({ path: '/oauth2/v1/token', kind: 'server_error' });
    const again = await walkThrough(world, made);
    expect(again.text).toContain('did not answer as it should');
    expect(await stateOf(world, made)).toMatchObject({
      status: 'pending',
      error: { code: 'provider_error' },
    });
    const consent = await again.submit({ button: 'Try again' });
    const done = await consent.submit({ button: 'decision=allow' });
    expect(done.text).toContain('is connected');
    expect(await stateOf(world, made)).toMatchObject({ status: 'complete' });
  });

  it('leaving after trouble, which tells the app of the trouble rather than of a cancel', async () => {
    const made = await session();
    world.org.control.failNext({ path: '/oauth2/v1/token', kind: 'server_error' });
    await (await walkThrough(world, made)).submit({ button: 'Cancel' });
    expect(await stateOf(world, made)).toMatchObject({ status: 'failed', error: { code: 'provider_error' } });
  });

  it('a client secret that the provider refuses: another try would not help', async () => {
    const made = await session();
    world.org.control.breakClientSecret();
    const done = await walkThrough(world, made);
    expect(done.text).toContain('could not be connected');
    expect(await stateOf(world, made)).toMatchObject({ status: 'failed', error: { code: 'provider_error' } });
  });

  it('an integration that changed during the sign-in', async () => {
    await world.setUp('okta-changing');
    const made = await session({ integrations: ['okta-changing'] });
    const trip = await walkToCallback(world, made);
    await world.setUp('okta-changing', { scopes: ['openid'] });
    const codes = world.org.control.counters();
    expect((await trip.resume()).text).toContain('changed during the sign-in');
    expect(world.org.control.counters()).toEqual(codes);
  });
});

describe('a session', () => {
  it('is refused for integrations that are not set up', async () => {
    await expect(session({ integrations: ['okta', 'slack'] })).rejects.toMatchObject({
      code: 'integration_not_configured',
    });
  });

  it('is refused for a domain that no integration has: its secret goes nowhere else', async () => {
    await expect(session({ config: { domain: 'evil.okta.com' } })).rejects.toMatchObject({
      code: 'integration_not_configured',
    });
    await expect(session({ config: { domain: 'acme-admin.okta.com' } })).rejects.toMatchObject({
      code: 'invalid_request',
      details: { errors: [{ pointer: '/config/domain' }] },
    });
  });

  it('is refused for a reconnect of what is not this owner’s', async () => {
    const mine = await connected();
    for (const more of [{ userId: 'other' }, { tenantId: 'org_other' }]) {
      await expect(newSession(world, { userId, ...more, connectionId: mine.id })).rejects.toMatchObject({
        code: 'connection_not_found',
      });
    }
    await expect(newSession(world, { owner: 'tenant', connectionId: mine.id })).rejects.toMatchObject({
      code: 'connection_not_found',
    });
  });

  it('of another environment or tenant is not there', async () => {
    const made = await session();
    await expect(world.connect.getSession('live', made.id, null)).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(world.connect.getSession(ENVIRONMENT, made.id, 'org_x')).rejects.toMatchObject({
      code: 'not_found',
    });
    expect((await world.connect.getSession(ENVIRONMENT, made.id, 'org_acme')).status).toBe('pending');
  });

  it('lasts half an hour, and longer with a mailed link', async () => {
    const minutes = ({ expiresAt }: { expiresAt: string }) =>
      Math.round((Date.parse(expiresAt) - Date.now()) / 60_000);
    expect(minutes(await session())).toBe(30);
    expect(minutes(await session({ linkLifetimeSeconds: 86_400 }))).toBe(1440 + 20);
  });

  it('uses the tenant’s own app where there is one', async () => {
    await world.setUp('okta', { tenantId: 'org_own', scopes: ['openid'] });
    const made = await newSession(world, { tenantId: 'org_own', userId });
    await walkThrough(world, made);
    const { connection } = await stateOf(world, made);
    const record = await world.connections.findRecord(connection?.id ?? '', ENVIRONMENT);
    const own = await world.integrations.getIntegration({
      environment: ENVIRONMENT,
      tenantId: 'org_own',
      integrationId: 'okta',
    });
    expect(record?.integrationRowId).toBe(own?.rowId);
  });
});

describe('a session with a code challenge', () => {
  const codeVerifier = 'a-verifier-that-only-the-backend-of-the-app-knows';
  const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');
  const finish = (id: string, verifier = codeVerifier) =>
    world.connect.finishSession(ENVIRONMENT, id, verifier, null);
  const countOf = async () =>
    (
      await world.connections.listConnections(
        { userId },
        { environment: ENVIRONMENT, cursor: null, limit: 10 },
      )
    ).data.length;

  it('makes no connection until the backend finishes it', async () => {
    const made = await session({ codeChallenge });
    await expect(finish(made.id)).rejects.toMatchObject({ code: 'conflict' });
    const done = await walkThrough(world, made);
    expect(done.text).toContain('Almost done');
    expect(await stateOf(world, made)).toEqual({ id: made.id, status: 'awaiting_finish' });
    expect(await countOf()).toBe(0);
    await expect(finish(made.id, 'x'.repeat(43))).rejects.toMatchObject({ code: 'invalid_request' });
    expect(await countOf()).toBe(0);
    const state = await finish(made.id);
    expect(state).toMatchObject({ status: 'complete', connection: { account: { email: 'ada@acme.test' } } });
    expect(await finish(made.id)).toEqual(state);
    expect(await world.db.prisma.authorizationRequest.count({ where: { sessionId: made.id } })).toBe(0);
  });

  it('is refused a finish that nobody asked for', async () => {
    await expect(finish((await session()).id)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('ends the grant at the provider when no backend comes in time', async () => {
    const made = await session({ codeChallenge });
    await walkThrough(world, made);
    expect(world.org.control.listGrants()).toHaveLength(1);
    await world.connect.sweepSessions(new Date(Date.now() + 1_801_000));
    expect(world.org.control.listGrants()).toHaveLength(0);
    expect(await stateOf(world, made)).toMatchObject({
      status: 'failed',
      error: { code: 'session_expired' },
    });
    expect(await world.db.prisma.authorizationRequest.count({ where: { sessionId: made.id } })).toBe(0);
  });
});

describe('the sweep', () => {
  it('forgets trips when their time is over, and sessions a day later', async () => {
    const made = await session();
    await walkToCallback(world, made);
    const tripsOf = () => world.db.prisma.authorizationRequest.count({ where: { sessionId: made.id } });
    await world.connect.sweepSessions(new Date());
    expect(await tripsOf()).toBe(1);
    await world.connect.sweepSessions(new Date(Date.now() + 1_801_000));
    expect(await tripsOf()).toBe(0);
    expect((await stateOf(world, made)).status).toBe('pending');
    await world.connect.sweepSessions(new Date(Date.now() + 2 * 86_400_000));
    await expect(stateOf(world, made)).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('secrets', () => {
  it('are in no log, page, address or database row of a walk', async () => {
    const made = await session({ allowedOrigins: [APP_ORIGIN] });
    const browser = createBrowser();
    const hosted = await pressButton(world, browser, made);
    const done = await signInAt(await hosted.submit({ button: 'Continue' }));
    const { connection } = await stateOf(world, made);
    const stored = await world.credentials.openCredential(connection?.id ?? '', ENVIRONMENT);
    const secrets = stored?.secrets.kind === 'oauth2' ? stored.secrets : null;
    const sessions = await world.db.prisma.connectSession.findMany();
    const requests = await world.db.prisma.authorizationRequest.findMany();
    const rows = JSON.stringify([...sessions, ...requests], (_key, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
    );
    const authpipeUrls = browser.visited.filter((url) => url.startsWith(world.publicUrl));
    const seen = [hosted.html, done.html, ...world.logLines, ...authpipeUrls, rows].join('\n');
    const planted = [secrets?.accessToken, secrets?.refreshToken, made.token, 'planted-client-secret'];
    for (const secret of planted) {
      expect(secret).toBeTruthy();
      expect(seen).not.toContain(secret);
    }
    const state = new URL(browser.visited.find((url) => url.includes('state=')) ?? '').searchParams.get(
      'state',
    );
    expect(state).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect([...world.logLines, rows].join('\n')).not.toContain(state);
  });
});
