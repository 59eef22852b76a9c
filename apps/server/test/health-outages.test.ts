import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import type { Database } from '../src/db/database.js';
import { judgePeers } from '../src/outages/judge-peers.js';
import { describeEachEngine } from './support/databases.js';
import { plantConnection } from './support/planted-connection.js';
import {
  ENVIRONMENT,
  eventsOf,
  PROBE_INTERVAL_SECONDS,
  refOf,
  setUpIntegration,
  startNode,
  startTestOrg,
  type TestNode,
  testClock,
} from './support/world.js';

const EVERYTHING = 1_000_000;
const STEP_SECONDS = 30;

describe('what others are answered', () => {
  const good = { isGood: true, isFresh: true };
  const bad = { isGood: false, isFresh: true };
  const stale = { isGood: true, isFresh: false };
  const times = <Item>(count: number, item: Item): Item[] => Array.from({ length: count }, () => item);

  it('is the place’s fault when five fail and none works since', () => {
    expect(judgePeers([...times(5, bad), ...times(50, stale)])).toBe('failing');
    expect(judgePeers([...times(4, bad), ...times(50, stale)])).toBe('unknown');
  });

  it('is the connection’s own when another works', () => {
    expect(judgePeers([...times(4, bad), good])).toBe('working');
    expect(judgePeers([good, ...times(9, bad)])).toBe('working');
  });

  it('is the place’s fault when half of the latest twenty fail, whoever works', () => {
    expect(judgePeers([...times(10, bad), ...times(10, good)])).toBe('failing');
    expect(judgePeers([...times(9, bad), ...times(200, good)])).toBe('working');
  });
});

const GRACE = 'grace@acme.test';

describeEachEngine('many connections that fail at once', (open) => {
  const clock = testClock();
  let db: Database;
  let org: Org;
  let node: TestNode;
  let other: TestNode;
  let users = 0;

  const connectMany = async (count: number, more: { label?: string; userId?: string } = {}) => {
    const made = [];
    while (made.length < count) {
      users += 1;
      made.push(await plantConnection(node, org, clock, { userId: `user_${users}`, ...more }));
    }
    return made;
  };
  /** Lets time go by, with both replicas at work. */
  const pass = async (seconds: number, stepSeconds = STEP_SECONDS) => {
    for (let passed = 0; passed < seconds; passed += stepSeconds) {
      clock.move(stepSeconds);
      await Promise.all([node, other].map((one) => one.refresh.sweepDueRefreshes(clock.now())));
      await Promise.all([node, other].map((one) => one.health.sweepDueProbes(clock.now())));
    }
  };
  const stateOf = async (id: string) => {
    const { status, reason } = await node.connections.getConnection(id, ENVIRONMENT);
    return { status, reason };
  };
  const badOf = async (made: readonly { id: string }[]) => {
    const states = await Promise.all(made.map(async ({ id }) => ({ id, ...(await stateOf(id)) })));
    return states.filter(({ status }) => status !== 'healthy');
  };
  const placeEvents = async () =>
    (await node.events.listEvents(ENVIRONMENT, 0))
      .map(({ event }) => event)
      .filter(({ type }) => type === 'integration.degraded');
  const stateEvents = async (made: readonly { id: string }[]) =>
    (await Promise.all(made.map(({ id }) => eventsOf(node, id))))
      .flat()
      .filter((type) =>
        ['connection.degraded', 'connection.needs_reconnect', 'connection.recovered'].includes(type),
      );

  beforeAll(async () => {
    db = await open();
    org = await startTestOrg(clock);
    node = await startNode({ db, clock, jitter: 0.5 });
    other = await startNode({ db, clock, jitter: 0.3 });
    await setUpIntegration(node, org);
  });
  beforeEach(async () => {
    for (const table of ['connections', 'events', 'failing_places', 'probe_limits']) {
      await db.query(`test_clear_${table}`, `DELETE FROM ${table}`, []);
    }
    await db.query(
      'test_mend',
      `UPDATE integrations SET status = 'healthy', reason = NULL, retry_at = NULL`,
      [],
    );
    org.control.clearFaults();
    org.control.restoreClientSecret();
  });
  afterAll(async () => {
    await org.close();
    await db.close();
  });

  it('leave one that fails alone to be told of at once, since another is asked and works', async () => {
    const made = await connectMany(8);
    const [gone, ...rest] = made;
    org.control.revokeGrants({ grantId: gone?.grantId ?? '' });
    expect(await node.health.checkConnection(gone?.id ?? '', ENVIRONMENT)).toMatchObject({
      status: 'needs_reconnect',
      reason: 'revoked',
    });
    expect(await badOf(rest)).toEqual([]);
    expect(await placeEvents()).toEqual([]);
  });

  it('are held back while the provider calls every token dead, and told of in one event', async () => {
    const made = await connectMany(12);
    await pass(PROBE_INTERVAL_SECONDS);
    org.control.failNext({ kind: 'deny', times: EVERYTHING, path: '/' });
    await pass(2 * 3600);
    expect(await badOf(made)).toEqual([]);
    expect(await stateEvents(made)).toEqual([]);
    expect(await placeEvents()).toMatchObject([
      { connectionId: null, integration: 'okta', provider: 'okta', status: 'degraded' },
    ]);

    org.control.clearFaults();
    await pass(2 * PROBE_INTERVAL_SECONDS);
    expect(await badOf(made)).toEqual([]);
    expect(await stateEvents(made)).toEqual([]);
    expect(await placeEvents()).toHaveLength(1);
    // It is over: an end of one's own is told again.
    const [gone] = made;
    org.control.revokeGrants({ grantId: gone?.grantId ?? '' });
    await pass(PROBE_INTERVAL_SECONDS);
    expect(await stateOf(gone?.id ?? '')).toEqual({ status: 'needs_reconnect', reason: 'revoked' });
    expect(await placeEvents()).toHaveLength(1);
  });

  it('stay as they are while the provider is gone for longer than their tokens live', async () => {
    const made = await connectMany(8);
    await pass(PROBE_INTERVAL_SECONDS);
    org.control.failNext({ kind: 'drop', times: EVERYTHING, path: '/' });
    await pass(2 * 3600);
    expect(await badOf(made)).toEqual([]);
    expect((await placeEvents()).map(({ reason }) => reason)).toEqual(['provider_down']);
    await expect(node.readCredential(refOf(made[0]?.userId), ENVIRONMENT, null, 10)).rejects.toMatchObject({
      code: 'provider_unavailable',
    });
    org.control.clearFaults();
    await pass(2 * PROBE_INTERVAL_SECONDS);
    expect(await stateEvents(made)).toEqual([]);
    const { verifiedAt } = await node.connections.getConnection(made[0]?.id ?? '', ENVIRONMENT);
    expect(Date.parse(verifiedAt ?? '')).toBeGreaterThan(clock.now().getTime() - 3600_000);
  });

  it('are looked at by a few while it lasts, and one after the other when it is over', async () => {
    const made = await connectMany(12);
    await pass(PROBE_INTERVAL_SECONDS);
    org.control.failNext({ kind: 'deny', times: EVERYTHING, path: '/' });
    await pass(600);
    org.control.resetCounters();
    await pass(300);
    // Three every half minute, each of them asked once and confirmed at the token endpoint.
    expect(org.control.counters().introspections).toBeLessThanOrEqual(3 * 11);
    org.control.clearFaults();
    await pass(120);
    expect(await db.query('test_places', 'SELECT * FROM failing_places', [])).toEqual([]);
    const due = await db.query<{ probe_at: Date }>('test_due', 'SELECT probe_at FROM credentials', []);
    expect(new Set(due.map(({ probe_at }) => probe_at.getTime())).size).toBeGreaterThan(made.length / 2);
  });

  it('are believed after a day in which the provider answered all along', async () => {
    const made = await connectMany(6);
    await pass(PROBE_INTERVAL_SECONDS);
    org.control.revokeGrants({ all: true });
    await pass(2 * PROBE_INTERVAL_SECONDS);
    expect(await badOf(made)).toEqual([]);
    expect(await placeEvents()).toHaveLength(1);
    clock.move(86_400);
    await pass(2 * PROBE_INTERVAL_SECONDS);
    expect(await badOf(made)).toHaveLength(6);
    expect((await stateEvents(made)).length).toBe(6);
  });

  it('of which some were told of faults of their own do not make their place fail, on and on', async () => {
    const made = await connectMany(4);
    const poor = [];
    while (poor.length < 12) {
      users += 1;
      poor.push(await plantConnection(node, org, clock, { userId: `user_${users}`, person: GRACE }));
    }
    await pass(PROBE_INTERVAL_SECONDS);
    // One after the other, as people change their roles.
    org.control.setAdminRole(GRACE, 'NONE');
    await db.query(
      'test_told',
      `UPDATE connections SET status = 'degraded', reason = 'role_lost', failed_api = 'GET /api/v1/users'
       WHERE id = ANY ($1::text[])`,
      [poor.map(({ id }) => id)],
    );
    await pass(3 * PROBE_INTERVAL_SECONDS);
    expect(await placeEvents()).toEqual([]);
    const [gone] = made;
    org.control.revokeGrants({ grantId: gone?.grantId ?? '' });
    await pass(PROBE_INTERVAL_SECONDS);
    expect(await stateOf(gone?.id ?? '')).toEqual({ status: 'needs_reconnect', reason: 'revoked' });
    org.control.setAdminRole(GRACE, 'READ_ONLY_ADMIN');
  });

  describe('of users without the role that the API asks for', () => {
    const connectPoor = async (count: number) => {
      const made = [];
      while (made.length < count) {
        users += 1;
        made.push(await plantConnection(node, org, clock, { userId: `user_${users}`, person: GRACE }));
      }
      return made;
    };
    const allLost = (made: readonly { id: string }[]) =>
      made.map(({ id }) => ({ id, status: 'degraded', reason: 'role_lost' }));
    afterEach(() => {
      org.control.setAdminRole(GRACE, 'READ_ONLY_ADMIN');
    });

    it('are told of one by one, right after they connect, when they never had it: no place fails', async () => {
      org.control.setAdminRole(GRACE, 'NONE');
      const made = await connectPoor(12);
      await pass(PROBE_INTERVAL_SECONDS);
      expect(await badOf(made)).toEqual(allLost(made));
      await pass(14 * 3600, 600);
      expect(await badOf(made)).toEqual(allLost(made));
      expect(await stateEvents(made)).toHaveLength(12);
      expect(await placeEvents()).toEqual([]);
    });

    it('are told of together once, and one by one after a day, when all lose it at once', async () => {
      const made = await connectPoor(12);
      await pass(PROBE_INTERVAL_SECONDS);
      org.control.setAdminRole(GRACE, 'NONE');
      await pass(14 * 3600, 600);
      expect(await badOf(made)).toEqual([]);
      expect(await placeEvents()).toHaveLength(1);
      await pass(11 * 3600, 600);
      expect(await badOf(made)).toEqual(allLost(made));
      expect(await stateEvents(made)).toHaveLength(12);
      expect(await placeEvents()).toHaveLength(1);
    });
  });

  it('do not hide a person’s own end: their connections share one fate, and others are asked', async () => {
    const mine = [];
    for (const label of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) {
      mine.push(...(await connectMany(1, { label, userId: 'user_gone' })));
    }
    const others = await connectMany(3);
    for (const { grantId } of mine) org.control.revokeGrants({ grantId });
    await pass(2 * PROBE_INTERVAL_SECONDS);
    expect(await badOf(mine)).toHaveLength(mine.length);
    expect(await badOf(others)).toEqual([]);
  });

  it('say a refused client of the integration alone, where it has many connections', async () => {
    const made = await connectMany(12);
    org.control.breakClientSecret();
    await pass(PROBE_INTERVAL_SECONDS);
    expect(await badOf(made)).toEqual([]);
    expect(await placeEvents()).toMatchObject([{ integration: 'okta', reason: 'client_secret_invalid' }]);
    org.control.resetCounters();
    await pass(PROBE_INTERVAL_SECONDS);
    // The provider is not pestered with a client that it refuses; the API is asked all the same.
    expect(org.control.counters().introspections).toBe(0);
    expect(org.control.counters().apiCalls).toBeGreaterThanOrEqual(12);
  });
});
