import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Database } from '../src/db/database.js';
import { describeEachEngine } from './support/databases.js';
import { EVERYTHING, type OutageWorld, startOutageWorld } from './support/outage-world.js';
import { ENVIRONMENT, PROBE_INTERVAL_SECONDS } from './support/world.js';

describeEachEngine('an outage', (open) => {
  let db: Database;
  let world: OutageWorld;

  const revoke = ({ grantId }: { grantId: string }) => world.org.control.revokeGrants({ grantId });

  beforeAll(async () => {
    db = await open();
    world = await startOutageWorld(db);
  });
  beforeEach(() => world.reset());
  afterAll(async () => {
    await world.close();
    await db.close();
  });

  it('is over though tokens are refreshed meanwhile: they say nothing of it', async () => {
    const made = await world.connectMany(12);
    await world.pass(PROBE_INTERVAL_SECONDS);
    world.org.control.failNext({ kind: 'deny', times: EVERYTHING, path: '/' });
    await world.pass(600);
    expect(await world.failingPlaces()).toHaveLength(1);
    world.org.control.clearFaults();
    await world.pass(300, {
      each: (step) =>
        world.node.refresh.refreshConnection(made[step % made.length]?.id ?? '', ENVIRONMENT).catch(() => {}),
    });
    expect(await world.failingPlaces()).toEqual([]);
    // An hour later it is over for good.
    expect(await world.placeEvents('integration.recovered')).toEqual([]);
    await world.pass(4000, { stepSeconds: 500 });
    expect(await world.placeEvents('integration.recovered')).toMatchObject([
      { connectionId: null, integration: 'okta', provider: 'okta', status: 'healthy', reason: null },
    ]);
  });

  it('that comes back within the hour is the same one: it is told of once, and once when it is over', async () => {
    await world.connectMany(12);
    await world.pass(PROBE_INTERVAL_SECONDS);
    for (let again = 0; again < 2; again += 1) {
      world.org.control.failNext({ kind: 'deny', times: EVERYTHING, path: '/' });
      await world.pass(600);
      expect(await world.failingPlaces()).toHaveLength(1);
      world.org.control.clearFaults();
      await world.pass(1200);
      expect(await world.failingPlaces()).toEqual([]);
    }
    await world.pass(4000, { stepSeconds: 500 });
    expect(await world.placeEvents()).toHaveLength(1);
    expect(await world.placeEvents('integration.recovered')).toHaveLength(1);
  });

  it('is over at a small place too, where some have died meanwhile: they are told of then', async () => {
    const made = await world.connectMany(7);
    await world.pass(PROBE_INTERVAL_SECONDS);
    world.org.control.failNext({ kind: 'deny', times: EVERYTHING, path: '/' });
    await world.pass(1200);
    const gone = made.slice(0, 3);
    gone.forEach(revoke);
    world.org.control.clearFaults();
    await world.pass(3 * PROBE_INTERVAL_SECONDS);
    expect(await world.failingPlaces()).toEqual([]);
    expect((await world.badOf(made)).map(({ id }) => id)).toEqual(gone.map(({ id }) => id));
    expect(await world.placeEvents()).toHaveLength(1);
  });

  it('is told of once when most of a place really die, and all that died are told of after a day', async () => {
    const made = await world.connectMany(24);
    await world.pass(2 * PROBE_INTERVAL_SECONDS);
    const gone = made.slice(0, 16);
    gone.forEach(revoke);
    await world.pass(3 * 3600, { stepSeconds: 120 });
    expect((await world.placeEvents()).length).toBeLessThanOrEqual(1);
    await world.pass(21 * 3600, { stepSeconds: 900 });
    await world.pass(2 * 3600, { stepSeconds: 60 });
    expect((await world.badOf(made)).map(({ id }) => id)).toEqual(gone.map(({ id }) => id));
    expect((await world.placeEvents()).length).toBeLessThanOrEqual(1);
    expect(await world.stateEvents(made)).toHaveLength(gone.length);
  });

  it('is not what a limit is: who asks too often learns nothing, and an end is told of meanwhile', async () => {
    const made = await world.connectMany(12);
    await world.pass(PROBE_INTERVAL_SECONDS);
    world.org.control.failNext({ kind: 'rate_limit', times: EVERYTHING, path: '/oauth2/v1/introspect' });
    await world.pass(1800);
    expect(await world.placeEvents()).toEqual([]);
    const [gone] = made;
    if (gone) revoke(gone);
    await world.pass(2 * PROBE_INTERVAL_SECONDS + 3600, { stepSeconds: 60 });
    expect((await world.badOf(made)).map(({ id }) => id)).toEqual([gone?.id]);
  });

  it('of an API alone is none of its users’ fault, though their tokens live and the API can be asked but seldom', async () => {
    const made = await world.connectMany(6);
    await world.pass(PROBE_INTERVAL_SECONDS);
    await db.query(
      'test_narrow',
      `UPDATE probe_limits SET told_requests = 40 WHERE bucket LIKE '%GET /api/v1/%'`,
      [],
    );
    world.org.control.failNext({ kind: 'deny', times: EVERYTHING, path: '/api/v1' });
    await world.pass(2400);
    expect(await world.badOf(made)).toEqual([]);
    expect(await world.stateEvents(made)).toEqual([]);
  });

  it('of an API alone hides no grant that dies meanwhile', async () => {
    const made = await world.connectMany(12);
    await world.pass(PROBE_INTERVAL_SECONDS);
    world.org.control.failNext({ kind: 'deny', times: EVERYTHING, path: '/api/v1' });
    await world.pass(2 * PROBE_INTERVAL_SECONDS);
    expect(await world.placeEvents()).toHaveLength(1);
    const [gone] = made;
    if (gone) revoke(gone);
    await world.pass(2 * PROBE_INTERVAL_SECONDS);
    expect(await world.badOf(made)).toEqual([{ id: gone?.id, status: 'needs_reconnect', reason: 'revoked' }]);
  });

  it('of introspection alone, for a grant that lives, is told of once, and costs one refresh', async () => {
    const [made] = await world.connectMany(1);
    await world.pass(PROBE_INTERVAL_SECONDS);
    world.org.control.failNext({ kind: 'deny', times: EVERYTHING, path: '/oauth2/v1/introspect' });
    world.org.control.resetCounters();
    await world.pass(4 * 3600, { stepSeconds: 120 });
    expect(await world.stateEvents(made ? [made] : [])).toEqual(['connection.degraded']);
    expect(await world.node.connections.getConnection(made?.id ?? '', ENVIRONMENT)).toMatchObject({
      ...{ status: 'degraded', reason: 'configuration', failedApi: 'introspection' },
    });
    // Four that were due, and the one that told a living grant from a dead one.
    expect(world.org.control.counters().refreshRequests).toBeLessThanOrEqual(6);
    world.org.control.clearFaults();
    await world.pass(PROBE_INTERVAL_SECONDS);
    expect(await world.stateOf(made?.id ?? '')).toMatchObject({ status: 'healthy' });
  });
});
