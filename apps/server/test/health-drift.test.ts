import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import type { Database } from '../src/db/database.js';
import { describeEachEngine } from './support/databases.js';
import { plantConnection } from './support/planted-connection.js';
import {
  ENVIRONMENT,
  PROBE_INTERVAL_SECONDS,
  setUpIntegration,
  startNode,
  startTestOrg,
  type TestNode,
  testClock,
} from './support/world.js';

const GRACE = 'grace@acme.test';

describeEachEngine('what was granted and what is effective', (open) => {
  const clock = testClock();
  let db: Database;
  let org: Org;
  let node: TestNode;
  let users = 0;

  const connect = async () => {
    users += 1;
    return plantConnection(node, org, clock, { userId: `user_${users}`, person: GRACE });
  };
  const sweep = async () => {
    clock.move(PROBE_INTERVAL_SECONDS);
    await node.health.sweepDueProbes(clock.now());
  };
  const stateOf = async (id: string) => {
    const { status, reason, failedApi, lostScopes } = await node.connections.getConnection(id, ENVIRONMENT);
    return { status, reason, failedApi, lostScopes };
  };
  const HEALTHY = { status: 'healthy', reason: null, failedApi: null, lostScopes: [] } as const;
  const told = async (id: string) =>
    (await node.events.listEvents(ENVIRONMENT, 0))
      .map(({ event }) => event)
      .filter(({ connectionId, type }) => connectionId === id && type !== 'connection.created')
      .map(({ type, reason, failedApi }) => ({ type, reason, failedApi }));

  beforeAll(async () => {
    db = await open();
    org = await startTestOrg(clock);
    node = await startNode({ db, clock });
    await setUpIntegration(node, org);
  });
  beforeEach(async () => {
    await db.query('test_clear', 'DELETE FROM connections', []);
    await db.query('test_clear_limits', 'DELETE FROM probe_limits', []);
    org.control.reset();
  });
  afterAll(async () => {
    await org.close();
    await db.close();
  });

  it('differ when the user lost the admin role: the API that failed is named, once, and its return is told', async () => {
    const { id } = await connect();
    await sweep();
    expect(await stateOf(id)).toEqual(HEALTHY);
    org.control.setAdminRole(GRACE, 'NONE');
    await sweep();
    const lost = { status: 'degraded', reason: 'role_lost', failedApi: 'GET /api/v1/users', lostScopes: [] };
    expect(await stateOf(id)).toEqual(lost);
    await sweep();
    // A refresh has nothing to say about it.
    await node.refresh.refreshConnection(id, ENVIRONMENT);
    expect(await stateOf(id)).toEqual(lost);
    org.control.setAdminRole(GRACE, 'READ_ONLY_ADMIN');
    await sweep();
    expect(await stateOf(id)).toEqual(HEALTHY);
    expect((await told(id)).filter(({ type }) => type !== 'credential.refreshed')).toEqual([
      { type: 'connection.degraded', reason: 'role_lost', failedApi: 'GET /api/v1/users' },
      { type: 'connection.recovered', reason: null, failedApi: undefined },
    ]);
  });

  it('stay so while the client is refused, too: its return is no recovery', async () => {
    const { id } = await connect();
    await sweep();
    org.control.setAdminRole(GRACE, 'NONE');
    await sweep();
    org.control.breakClientSecret();
    await node.refresh.refreshConnection(id, ENVIRONMENT).catch(() => {});
    expect(await stateOf(id)).toMatchObject({ status: 'degraded', reason: 'client_secret_invalid' });
    org.control.restoreClientSecret();
    await node.refresh.refreshConnection(id, ENVIRONMENT);
    expect(await stateOf(id)).toMatchObject({ status: 'degraded', reason: 'role_lost' });
    await node.refresh.refreshConnection(id, ENVIRONMENT);
    await sweep();
    expect(await stateOf(id)).toMatchObject({ reason: 'role_lost', failedApi: 'GET /api/v1/users' });
    expect((await told(id)).map(({ type }) => type)).not.toContain('connection.recovered');
    org.control.setAdminRole(GRACE, 'READ_ONLY_ADMIN');
    await sweep();
    expect(await stateOf(id)).toEqual(HEALTHY);
  });

  it('stay told while the API can not be asked: that the token lives says nothing of them', async () => {
    const { id } = await connect();
    org.control.setAdminRole(GRACE, 'NONE');
    await sweep();
    const before = await told(id);
    for (const [kind, path] of [
      ['server_error', '/api/v1'],
      ['rate_limit', '/api/v1'],
    ] as const) {
      org.control.failNext({ kind, path, times: 10 });
      await sweep();
      org.control.clearFaults();
    }
    // The share of the API's limit is used up; introspection has its own.
    await db.query('test_close', `UPDATE probe_limits SET closed_until = $1 WHERE bucket LIKE '%/api/v1/%'`, [
      new Date(clock.now().getTime() + 3_600_000),
    ]);
    await sweep();
    expect(await stateOf(id)).toMatchObject({ reason: 'role_lost', failedApi: 'GET /api/v1/users' });
    const states = (await told(id)).filter(({ type }) => type !== 'credential.refreshed');
    expect(states).toEqual(before);
  });

  it('are suspected on, when the API can not be asked a second time', async () => {
    const { id } = await connect();
    await sweep();
    org.control.setAdminRole(GRACE, 'NONE');
    const closeTheApi = async (seconds: number) =>
      db.query('test_close', `UPDATE probe_limits SET closed_until = $1 WHERE bucket LIKE '%/api/v1/%'`, [
        new Date(clock.now().getTime() + seconds * 1000),
      ]);
    await db.query('test_suspect', `UPDATE credentials SET suspected_reason = 'role_lost'`, []);
    await closeTheApi(PROBE_INTERVAL_SECONDS + 60);
    await sweep();
    expect(await stateOf(id)).toEqual(HEALTHY);
    await sweep();
    expect(await stateOf(id)).toMatchObject({ status: 'degraded', reason: 'role_lost' });
  });

  it('differ when introspection no longer lists a scope', async () => {
    const { id } = await connect();
    org.control.removeScope('email');
    await sweep();
    expect(await stateOf(id)).toEqual({
      ...{ status: 'degraded', reason: 'scope_lost', failedApi: null, lostScopes: ['email'] },
    });
    await sweep();
    expect(await told(id)).toEqual([
      { type: 'connection.degraded', reason: 'scope_lost', failedApi: undefined },
    ]);
  });

  it('stay told while introspection can not be asked: the API says nothing of a scope that it does not need', async () => {
    const { id } = await connect();
    org.control.removeScope('email');
    await sweep();
    const lost = await stateOf(id);
    expect(lost).toMatchObject({ reason: 'scope_lost', lostScopes: ['email'] });
    await db.query(
      'test_close_introspection',
      `UPDATE probe_limits SET closed_until = $1 WHERE bucket LIKE '% introspection%'`,
      [new Date(clock.now().getTime() + 3_600_000)],
    );
    await sweep();
    expect(await stateOf(id)).toEqual(lost);
  });

  it('stay told while the issuer can not be asked with a client that it refuses', async () => {
    const { id } = await connect();
    const other = await connect();
    org.control.removeScope('email');
    await sweep();
    const lost = await stateOf(id);
    expect(lost).toMatchObject({ reason: 'scope_lost', lostScopes: ['email'] });
    org.control.breakClientSecret();
    await node.refresh.refreshConnection(other.id, ENVIRONMENT).catch(() => {});
    org.control.resetCounters();
    await sweep();
    expect(org.control.counters()).toMatchObject({ introspections: 0 });
    expect(org.control.counters().apiCalls).toBeGreaterThan(0);
    expect(await stateOf(id)).toEqual(lost);
    org.control.restoreClientSecret();
    await node.refresh.refreshConnection(other.id, ENVIRONMENT);
  });

  it('differ when a refresh brings a token that is narrower', async () => {
    const { id } = await connect();
    org.control.removeScope('okta.users.read');
    await node.refresh.refreshConnection(id, ENVIRONMENT);
    const lost = {
      status: 'degraded',
      reason: 'scope_lost',
      failedApi: null,
      lostScopes: ['okta.users.read'],
    };
    expect(await stateOf(id)).toEqual(lost);
    const { missingScopes } = await node.connections.getConnection(id, ENVIRONMENT);
    expect(missingScopes).toEqual(['okta.users.read']);
    // Neither the next refresh nor the next look takes the narrower token for the whole.
    await node.refresh.refreshConnection(id, ENVIRONMENT);
    await sweep();
    expect(await stateOf(id)).toEqual({ ...lost, failedApi: 'GET /api/v1/users' });
  });

  it('are no end of a token that its issuer calls living, though the API refuses it', async () => {
    const { id } = await connect();
    org.control.failNext({ kind: 'deny', times: 1000, path: '/api/v1' });
    await sweep();
    expect(await stateOf(id)).toEqual({
      ...{ status: 'degraded', reason: 'configuration', failedApi: 'GET /api/v1/users', lostScopes: [] },
    });
    org.control.clearFaults();
    await sweep();
    expect(await stateOf(id)).toEqual(HEALTHY);
  });

  it('need two refusals of the API in a row: one is no loss', async () => {
    const { id } = await connect();
    org.control.failNext({ kind: 'deny', times: 1, path: '/api/v1' });
    await sweep();
    expect(await stateOf(id)).toEqual(HEALTHY);
    const { verifiedBy } = await node.connections.getConnection(id, ENVIRONMENT);
    expect(verifiedBy).toBe('introspection');
  });
});
