import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import { addSeconds, systemClock } from '../src/clock.js';
import type { Database } from '../src/db/database.js';
import { createDatabaseClock } from '../src/db/database-clock.js';
import { describeEachEngine } from './support/databases.js';
import {
  connectUser,
  ENVIRONMENT,
  setUpIntegration,
  startNode,
  startTestOrg,
  type TestNode,
} from './support/world.js';

const HOUR_SECONDS = 3600;
const machineTime = new Date('2027-01-01T00:00:00Z');
const databaseTime = new Date('2027-01-01T01:00:00Z');

const clockOn = (engine: Database['engine']) => {
  let [millis, isAway] = [5_000, false];
  const clock = createDatabaseClock({
    db: {
      engine,
      query: async <Row>() => {
        if (isAway) throw new Error('the database is away');
        millis += 100;
        return [{ now: databaseTime }] as Row[];
      },
    },
    clock: { now: () => machineTime },
    monotonicMillis: () => millis,
  });
  return {
    clock,
    pass: (by: number) => {
      millis += by;
    },
    setAway: () => {
      isAway = true;
    },
  };
};

describe('the database’s clock', () => {
  it('is the machine’s until it was asked', () => {
    expect(clockOn('postgres').clock.now()).toEqual(machineTime);
  });

  it('goes on by the steady counter from the middle of the question, however the machine’s clock is set', async () => {
    const { clock, pass } = clockOn('postgres');
    await clock.ask();
    expect(clock.now().getTime() - databaseTime.getTime()).toBe(50);
    pass(2_000);
    expect(clock.now().getTime() - databaseTime.getTime()).toBe(2_050);
  });

  it('is set right by every answer', () => {
    const { clock, pass } = clockOn('postgres');
    clock.correct(databaseTime, 5_000, 5_000);
    pass(10_000);
    clock.correct(addSeconds(databaseTime, 11), 15_000, 15_000);
    expect(clock.now()).toEqual(addSeconds(databaseTime, 11));
  });

  it('goes on from what it knew while the database is away', async () => {
    const { clock, pass, setAway } = clockOn('postgres');
    clock.correct(databaseTime, 5_000, 5_000);
    setAway();
    await expect(clock.ask()).rejects.toThrow('away');
    pass(7_000);
    expect(clock.now()).toEqual(addSeconds(databaseTime, 7));
  });

  it('is the machine’s own where the database is embedded', async () => {
    const { clock } = clockOn('pglite');
    await clock.ask();
    expect(clock.now()).toEqual(machineTime);
  });
});

describeEachEngine('two servers whose machines’ clocks are an hour apart', (open, engine) => {
  let db: Database;
  let org: Org;
  /** Machines an hour ahead and an hour behind; the embedded database has one machine. */
  let [ahead, behind]: TestNode[] = [];

  const startWith = async (secondsOff: number): Promise<TestNode> => {
    const machine = { now: () => addSeconds(systemClock.now(), engine === 'pglite' ? 0 : secondsOff) };
    const monotonicMillis = () => performance.now();
    const clock = createDatabaseClock({ db, clock: machine, monotonicMillis });
    await clock.ask();
    return startNode({ db, clock, monotonicMillis });
  };
  const both = (): [TestNode, TestNode] => {
    if (!ahead || !behind) throw new Error('the servers are not started');
    return [ahead, behind];
  };

  beforeAll(async () => {
    db = await open();
    org = await startTestOrg(systemClock);
    ahead = await startWith(HOUR_SECONDS);
    behind = await startWith(-HOUR_SECONDS);
    await setUpIntegration(ahead, org);
  });
  afterAll(async () => {
    await org.close();
    await db.close();
  });

  it('agree on who runs, who holds a lease, and what is due', async () => {
    const [first, second] = both();
    const now = systemClock.now();
    await Promise.all([first.nodes.beat(), second.nodes.beat()]);
    for (const { nodes } of both()) expect((await nodes.beat()).died).toBe(0);
    const { connection } = await connectUser(first, org, systemClock);
    const place = { connectionId: connection.id, environment: ENVIRONMENT };
    for (const node of both()) expect(await node.refreshes.claimRefresh(place, { force: false })).toBeNull();
    for (const [holder, waiter] of [
      [first, second],
      [second, first],
    ] as const) {
      const claim = await holder.refreshes.claimRefresh(place, { force: true });
      expect(claim).not.toBeNull();
      expect(await waiter.refreshes.refreshProgress(connection.id)).toEqual({
        version: 1,
        isLeased: true,
        isDue: false,
      });
      expect(await waiter.refreshes.claimRefresh(place, { force: true })).toBeNull();
      if (claim) await holder.refreshes.releaseRefreshes([claim]);
    }
    await db.query('test_due', 'UPDATE credentials SET refresh_at = $1', [addSeconds(now, -1)]);
    expect(await second.refresh.sweepDueRefreshes(systemClock.now())).toBe(1);
    const stored = await first.credentials.openCredential(connection.id, ENVIRONMENT);
    // An hour of life from about now, by everybody's clock.
    const lives = ((stored?.expiresAt?.getTime() ?? 0) - systemClock.now().getTime()) / 1000;
    expect(Math.round(lives / HOUR_SECONDS)).toBe(1);
    expect(await first.refresh.sweepDueRefreshes(systemClock.now())).toBe(0);
  });
});
