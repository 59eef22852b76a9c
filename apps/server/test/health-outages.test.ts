import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Database } from '../src/db/database.js';
import { judgePeers } from '../src/outages/judge-peers.js';
import { describeEachEngine } from './support/databases.js';
import { EVERYTHING, GRACE, type OutageWorld, startOutageWorld } from './support/outage-world.js';
import { ENVIRONMENT, PROBE_INTERVAL_SECONDS, refOf } from './support/world.js';

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

describeEachEngine('many connections that fail at once', (open) => {
  let db: Database;
  let world: OutageWorld;

  beforeAll(async () => {
    db = await open();
    world = await startOutageWorld(db);
  });
  beforeEach(() => world.reset());
  afterAll(async () => {
    await world.close();
    await db.close();
  });

  it('leave one that fails alone to be told of at once, since another is asked and works', async () => {
    const made = await world.connectMany(8);
    const [gone, ...rest] = made;
    world.org.control.revokeGrants({ grantId: gone?.grantId ?? '' });
    expect(await world.node.health.checkConnection(gone?.id ?? '', ENVIRONMENT)).toMatchObject({
      status: 'needs_reconnect',
      reason: 'revoked',
    });
    expect(await world.badOf(rest)).toEqual([]);
    expect(await world.placeEvents()).toEqual([]);
  });

  it('are held back while the provider calls every token dead, and told of in one event', async () => {
    const made = await world.connectMany(12);
    await world.pass(PROBE_INTERVAL_SECONDS);
    world.org.control.failNext({ kind: 'deny', times: EVERYTHING, path: '/' });
    await world.pass(2 * 3600);
    expect(await world.badOf(made)).toEqual([]);
    expect(await world.stateEvents(made)).toEqual([]);
    expect(await world.placeEvents()).toMatchObject([
      { connectionId: null, integration: 'okta', provider: 'okta', status: 'degraded' },
    ]);

    world.org.control.clearFaults();
    await world.pass(2 * PROBE_INTERVAL_SECONDS);
    expect(await world.badOf(made)).toEqual([]);
    expect(await world.stateEvents(made)).toEqual([]);
    expect(await world.placeEvents()).toHaveLength(1);
    // It is over: an end of one's own is told again.
    const [gone] = made;
    world.org.control.revokeGrants({ grantId: gone?.grantId ?? '' });
    await world.pass(PROBE_INTERVAL_SECONDS);
    expect(await world.stateOf(gone?.id ?? '')).toEqual({ status: 'needs_reconnect', reason: 'revoked' });
    expect(await world.placeEvents()).toHaveLength(1);
  });

  it('stay as they are while the provider is gone for longer than their tokens live', async () => {
    const made = await world.connectMany(8);
    await world.pass(PROBE_INTERVAL_SECONDS);
    world.org.control.failNext({ kind: 'drop', times: EVERYTHING, path: '/' });
    await world.pass(2 * 3600);
    expect(await world.badOf(made)).toEqual([]);
    expect((await world.placeEvents()).map(({ reason }) => reason)).toEqual(['provider_down']);
    await expect(
      world.node.readCredential(refOf(made[0]?.userId), ENVIRONMENT, null, 10),
    ).rejects.toMatchObject({
      code: 'provider_unavailable',
    });
    world.org.control.clearFaults();
    await world.pass(2 * PROBE_INTERVAL_SECONDS);
    expect(await world.stateEvents(made)).toEqual([]);
    const { verifiedAt } = await world.node.connections.getConnection(made[0]?.id ?? '', ENVIRONMENT);
    expect(Date.parse(verifiedAt ?? '')).toBeGreaterThan(world.clock.now().getTime() - 3600_000);
  });

  it('are looked at by a few while it lasts, and one after the other when it is over', async () => {
    const made = await world.connectMany(12);
    await world.pass(PROBE_INTERVAL_SECONDS);
    world.org.control.failNext({ kind: 'deny', times: EVERYTHING, path: '/' });
    await world.pass(600);
    world.org.control.resetCounters();
    await world.pass(300);
    // Three every half minute, each of them asked once and confirmed at the token endpoint.
    expect(world.org.control.counters().introspections).toBeLessThanOrEqual(3 * 11);
    world.org.control.clearFaults();
    await world.pass(120);
    expect(await world.failingPlaces()).toEqual([]);
    const due = await db.query<{ probe_at: Date }>('test_due', 'SELECT probe_at FROM credentials', []);
    expect(new Set(due.map(({ probe_at }) => probe_at.getTime())).size).toBeGreaterThan(made.length / 2);
  });

  it('are believed after a day in which the provider answered all along', async () => {
    const made = await world.connectMany(6);
    await world.pass(PROBE_INTERVAL_SECONDS);
    world.org.control.revokeGrants({ all: true });
    await world.pass(2 * PROBE_INTERVAL_SECONDS);
    expect(await world.badOf(made)).toEqual([]);
    expect(await world.placeEvents()).toHaveLength(1);
    world.clock.move(86_400);
    await world.pass(2 * PROBE_INTERVAL_SECONDS);
    expect(await world.badOf(made)).toHaveLength(6);
    expect((await world.stateEvents(made)).length).toBe(6);
  });

  it('of which some were told of faults of their own do not make their place fail, on and on', async () => {
    const made = await world.connectMany(4);
    const poor = await world.connectMany(12, { person: GRACE });
    await world.pass(PROBE_INTERVAL_SECONDS);
    // One after the other, as people change their roles.
    world.org.control.setAdminRole(GRACE, 'NONE');
    await db.query(
      'test_told',
      `UPDATE connections SET status = 'degraded', reason = 'role_lost', failed_api = 'GET /api/v1/users'
       WHERE id = ANY ($1::text[])`,
      [poor.map(({ id }) => id)],
    );
    await world.pass(3 * PROBE_INTERVAL_SECONDS);
    expect(await world.placeEvents()).toEqual([]);
    const [gone] = made;
    world.org.control.revokeGrants({ grantId: gone?.grantId ?? '' });
    await world.pass(PROBE_INTERVAL_SECONDS);
    expect(await world.stateOf(gone?.id ?? '')).toEqual({ status: 'needs_reconnect', reason: 'revoked' });
  });

  it('do not hide a person’s own end: their connections share one fate, and others are asked', async () => {
    const mine = [];
    for (const label of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) {
      mine.push(...(await world.connectMany(1, { label, userId: 'user_gone' })));
    }
    const others = await world.connectMany(3);
    for (const { grantId } of mine) world.org.control.revokeGrants({ grantId });
    await world.pass(2 * PROBE_INTERVAL_SECONDS);
    expect(await world.badOf(mine)).toHaveLength(mine.length);
    expect(await world.badOf(others)).toEqual([]);
  });

  it('say a refused client of the integration alone, where it has many connections', async () => {
    const made = await world.connectMany(12);
    world.org.control.breakClientSecret();
    await world.pass(PROBE_INTERVAL_SECONDS);
    expect(await world.badOf(made)).toEqual([]);
    expect(await world.placeEvents()).toMatchObject([
      { integration: 'okta', reason: 'client_secret_invalid' },
    ]);
    world.org.control.resetCounters();
    await world.pass(PROBE_INTERVAL_SECONDS);
    // The provider is not pestered with a client that it refuses; the API is asked all the same.
    expect(world.org.control.counters().introspections).toBe(0);
    expect(world.org.control.counters().apiCalls).toBeGreaterThanOrEqual(12);
  });
});
