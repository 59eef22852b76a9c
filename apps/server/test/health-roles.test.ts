import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Database } from '../src/db/database.js';
import { describeEachEngine } from './support/databases.js';
import { GRACE, type OutageWorld, type Planted, startOutageWorld } from './support/outage-world.js';
import { PROBE_INTERVAL_SECONDS } from './support/world.js';

describeEachEngine('many users without the role that the API asks for', (open) => {
  let db: Database;
  let world: OutageWorld;

  const allLost = (made: readonly Planted[]) =>
    made.map(({ id }) => ({ id, status: 'degraded', reason: 'role_lost' }));

  beforeAll(async () => {
    db = await open();
    world = await startOutageWorld(db);
  });
  beforeEach(() => world.reset());
  afterAll(async () => {
    await world.close();
    await db.close();
  });

  it('are told of one by one, right after they connect, when they never had it: no place fails', async () => {
    world.org.control.setAdminRole(GRACE, 'NONE');
    const made = await world.connectMany(12, { person: GRACE });
    await world.pass(PROBE_INTERVAL_SECONDS);
    expect(await world.badOf(made)).toEqual(allLost(made));
    await world.pass(14 * 3600, { stepSeconds: 600 });
    expect(await world.badOf(made)).toEqual(allLost(made));
    expect(await world.stateEvents(made)).toHaveLength(12);
    expect(await world.placeEvents()).toEqual([]);
  });

  it('are told of beside as many who have it, though the share of the limit is too small for all at once', async () => {
    world.org.control.setAdminRole(GRACE, 'NONE');
    const poor = await world.connectMany(40, { person: GRACE });
    const fine = await world.connectMany(40);
    await world.pass(3 * PROBE_INTERVAL_SECONDS, { stepSeconds: 10 });
    expect(await world.badOf(poor)).toEqual(allLost(poor));
    expect(await world.badOf(fine)).toEqual([]);
    expect(await world.placeEvents()).toEqual([]);
  });

  it('are told of together once, and one by one after a day, when all lose it at once', async () => {
    const made = await world.connectMany(12, { person: GRACE });
    await world.pass(PROBE_INTERVAL_SECONDS);
    world.org.control.setAdminRole(GRACE, 'NONE');
    await world.pass(14 * 3600, { stepSeconds: 600 });
    expect(await world.badOf(made)).toEqual([]);
    expect(await world.placeEvents()).toHaveLength(1);
    await world.pass(10 * 3600, { stepSeconds: 600 });
    await world.pass(2 * 3600);
    expect(await world.badOf(made)).toEqual(allLost(made));
    expect(await world.stateEvents(made)).toHaveLength(12);
    expect(await world.placeEvents()).toHaveLength(1);
  });
});
