import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Database } from '../src/db/database.js';
import { describeEachEngine } from './support/databases.js';
import { EVERYTHING, type OutageWorld, startOutageWorld } from './support/outage-world.js';
import { ENVIRONMENT, PROBE_INTERVAL_SECONDS, refOf } from './support/world.js';

describeEachEngine('a token endpoint that calls living grants dead', (open) => {
  let db: Database;
  let world: OutageWorld;

  const deny = (path: string, times = EVERYTHING) =>
    world.org.control.failNext({ kind: 'deny', times, path });

  beforeAll(async () => {
    db = await open();
    world = await startOutageWorld(db);
  });
  beforeEach(() => world.reset());
  afterAll(async () => {
    await world.close();
    await db.close();
  });

  it('ends none of them while all else works: it is told of once, and what was held is renewed after it', async () => {
    const made: Awaited<ReturnType<OutageWorld['connectMany']>> = [];
    for (let index = 0; index < 24; index += 1) {
      made.push(...(await world.connectMany(1)));
      await world.pass(100, { stepSeconds: 100 });
    }
    deny('/oauth2/v1/token');
    // People who connect meanwhile are given new grants: that says nothing of those there are.
    await world.pass(2 * 3600, {
      stepSeconds: 60,
      each: async (step) => {
        if (step < 90) await world.connectMany(1);
      },
    });
    expect(await world.badOf(made)).toEqual([]);
    expect(await world.placeEvents()).toHaveLength(1);
    world.org.control.clearFaults();
    await world.pass(PROBE_INTERVAL_SECONDS);
    expect(await world.failingPlaces()).toEqual([]);
    expect(await world.stateEvents(made)).toEqual([]);
    await expect(
      world.node.readCredential(refOf(made[0]?.userId), ENVIRONMENT, null, 10),
    ).resolves.toMatchObject({
      connectionId: made[0]?.id,
      version: expect.any(Number),
      expiresAt: expect.any(String),
    });
  });

  it('is told of once, though looks fail there too after a while, and is told to be over when both are', async () => {
    const made = await world.connectMany(12);
    await world.pass(PROBE_INTERVAL_SECONDS);
    deny('/oauth2/v1/token');
    await world.node.refresh.refreshConnection(made[0]?.id ?? '', ENVIRONMENT).catch(() => {});
    expect(await world.failingPlaces()).toHaveLength(1);
    deny('/');
    await world.pass(PROBE_INTERVAL_SECONDS);
    expect(await world.failingPlaces()).toHaveLength(2);
    world.org.control.clearFaults();
    await world.pass(2 * 3600);
    expect(await world.failingPlaces()).toEqual([]);
    expect(await world.placeEvents()).toHaveLength(1);
    expect(await world.placeEvents('integration.recovered')).toHaveLength(1);
    expect(await world.stateEvents(made)).toEqual([]);
  });

  it('by mistake, once, ends nothing: a second refusal has to agree', async () => {
    const made = await world.connectMany(8);
    await world.pass(PROBE_INTERVAL_SECONDS);
    deny('/oauth2/v1/token', 1);
    await world.pass(3600);
    expect(await world.stateEvents(made)).toEqual([]);
    const { version } = await world.node.connections.getConnection(made[0]?.id ?? '', ENVIRONMENT);
    expect(version).toBeGreaterThan(1);
  });

  it('by mistake, once, does not fail a reader whose token has ended: it is asked again at once', async () => {
    const [made] = await world.connectMany(1);
    world.clock.move(2 * 3600);
    deny('/oauth2/v1/token', 1);
    await expect(
      world.node.readCredential(refOf(made?.userId), ENVIRONMENT, null, 10_000),
    ).resolves.toMatchObject({ connectionId: made?.id, version: 2 });
    expect(await world.stateEvents(made ? [made] : [])).toEqual([]);
  });

  it('is believed of one that is alone, when it says so twice', async () => {
    const [made] = await world.connectMany(1);
    deny('/oauth2/v1/token');
    await world.pass(3600);
    expect(await world.stateOf(made?.id ?? '')).toEqual({ status: 'needs_reconnect', reason: 'revoked' });
    expect(await world.stateEvents(made ? [made] : [])).toEqual(['connection.needs_reconnect']);
  });

  it('has one neighbour renewed to be known by, and no more', async () => {
    const made = await world.connectMany(9);
    const [suspect, ...others] = made;
    deny('/oauth2/v1/token', 2);
    await world.node.refresh.refreshConnection(suspect?.id ?? '', ENVIRONMENT).catch(() => {});
    expect(await world.stateOf(suspect?.id ?? '')).toEqual({ status: 'needs_reconnect', reason: 'revoked' });
    const versions = await Promise.all(
      others.map(async ({ id }) => (await world.node.connections.getConnection(id, ENVIRONMENT)).version),
    );
    expect(versions.toSorted()).toEqual([1, 1, 1, 1, 1, 1, 1, 2]);
  });

  it('is believed of one that was refused twice, when another is renewed', async () => {
    const [first] = await world.connectMany(1);
    await world.pass(1200, { stepSeconds: 100 });
    const others = await world.connectMany(7);
    deny('/oauth2/v1/token', 2);
    await world.pass(3600);
    expect(await world.stateOf(first?.id ?? '')).toEqual({ status: 'needs_reconnect', reason: 'revoked' });
    expect(await world.badOf(others)).toEqual([]);
    expect(await world.placeEvents()).toEqual([]);
  });
});
