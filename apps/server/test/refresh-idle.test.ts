import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import type { Database } from '../src/db/database.js';
import { describeEachEngine } from './support/databases.js';
import { holdRefresh } from './support/held-refresh.js';
import { type ShakenDatabase, shakenDatabase } from './support/shaken-database.js';
import {
  connectUser,
  ENVIRONMENT,
  eventsOf,
  orgAnswers,
  PROBE_INTERVAL_SECONDS,
  setUpIntegration,
  startNode,
  startTestOrg,
  type TestNode,
  testClock,
  userConnector,
} from './support/world.js';

const DUE_SECONDS = 3400;
const HOUR_SECONDS = 3600;
const DAY_SECONDS = 86_400;
const STOP_AFTER_DAYS = 30;

describeEachEngine('a connection that nobody reads', (open) => {
  const clock = testClock();
  let db: ShakenDatabase;
  let org: Org;
  let node: TestNode;

  const connect = userConnector(() => ({ node, org, clock }));
  const sweep = (by: TestNode = node) => by.refresh.sweepDueRefreshes(clock.now());
  const refreshes = () => org.control.counters().refreshRequests;
  const until = async (isTrue: () => boolean | Promise<boolean>) => {
    for (let look = 0; look < 2_000; look += 1) {
      if (await isTrue()) return;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    throw new Error('it never came true');
  };
  const stopAfter = (days: number | null) =>
    db.query('test_policy', 'UPDATE integrations SET stop_after_unused_days = $1', [days]);
  const timesOf = async (id: string) => {
    const [row] = await db.query<{
      refresh_at: Date | null;
      probe_at: Date | null;
      last_used_at: Date | null;
      expiring_at: Date | null;
    }>(
      'test_times',
      'SELECT refresh_at, probe_at, last_used_at, expiring_at FROM credentials WHERE connection_id = $1',
      [id],
    );
    if (!row) throw new Error('no credential');
    return row;
  };
  /** Kept alive unread until the policy has its way. */
  const leaveUnused = async () => {
    await stopAfter(STOP_AFTER_DAYS);
    const connected = await connect();
    clock.move(STOP_AFTER_DAYS * DAY_SECONDS);
    org.control.resetCounters();
    await sweep();
    return connected;
  };

  beforeAll(async () => {
    const real: Database = await open();
    db = shakenDatabase(real);
    org = await startTestOrg(clock);
    node = await startNode({ db, clock });
    await setUpIntegration(node, org);
  });
  beforeEach(async () => {
    await db.query('test_clear', 'DELETE FROM connections', []);
    await node.usage.flushUses();
    await stopAfter(null);
    org.control.clearFaults();
    org.control.resetCounters();
  });
  afterAll(async () => {
    await org.close();
    await db.close();
  });

  it('is kept alive', async () => {
    const { id, read } = await connect();
    for (let hour = 0; hour < 5; hour += 1) {
      clock.move(DUE_SECONDS);
      await sweep();
    }
    expect((await timesOf(id)).last_used_at).toBeNull();
    expect(await read()).toMatchObject({ version: 6, status: 'healthy' });
  });

  it('is stopped where its integration says so, after the days, and nobody is told', async () => {
    await stopAfter(STOP_AFTER_DAYS);
    const { id } = await connect();
    clock.move(STOP_AFTER_DAYS * DAY_SECONDS - HOUR_SECONDS);
    await sweep();
    expect(refreshes()).toBe(1);
    clock.move(HOUR_SECONDS);
    expect(await sweep()).toBe(1);
    expect(await sweep()).toBe(0);
    expect(refreshes()).toBe(1);
    expect(await timesOf(id)).toMatchObject({ refresh_at: null, probe_at: null });
    expect(await node.connections.getConnection(id, ENVIRONMENT)).toMatchObject({ status: 'healthy' });
    expect(await eventsOf(node, id)).toEqual(['connection.created', 'credential.refreshed']);
  });

  it('is not probed any more once it is stopped', async () => {
    await leaveUnused();
    clock.move(10 * PROBE_INTERVAL_SECONDS);
    expect(await node.health.sweepDueProbes(clock.now())).toBe(0);
    expect(refreshes()).toBe(0);
  });

  it('is taken up again by the first read, which waits for the new token, and is probed again', async () => {
    const { id, read } = await leaveUnused();
    const credential = await read();
    expect(credential).toMatchObject({ version: 2, status: 'healthy' });
    expect(await orgAnswers(org, credential)).toBe(200);
    expect(await node.health.sweepDueProbes(clock.now())).toBe(1);
    await node.usage.flushUses();
    clock.move(DUE_SECONDS);
    await sweep();
    expect((await read()).version).toBe(3);
    expect(await eventsOf(node, id)).toEqual([
      'connection.created',
      'credential.refreshed',
      'credential.refreshed',
    ]);
  });

  it('is taken up again behind a reader whose token still works', async () => {
    const { id, read } = await connect();
    await stopAfter(0);
    clock.move(DUE_SECONDS);
    await sweep();
    await stopAfter(STOP_AFTER_DAYS);
    expect((await timesOf(id)).refresh_at).toBeNull();
    expect(await read()).toMatchObject({ version: 1 });
    await until(async () => (await read()).version === 2);
    expect((await timesOf(id)).refresh_at).not.toBeNull();
  });

  it('is not stopped while it is read', async () => {
    await stopAfter(STOP_AFTER_DAYS);
    const { id, read } = await connect();
    clock.move(20 * DAY_SECONDS);
    await read();
    await node.usage.flushUses();
    clock.move(20 * DAY_SECONDS);
    await sweep();
    expect((await timesOf(id)).refresh_at).not.toBeNull();
  });

  it('is not stopped when the person has just connected again', async () => {
    const { id, userId } = await leaveUnused();
    expect((await timesOf(id)).refresh_at).toBeNull();
    await connectUser(node, org, clock, { userId });
    clock.move(DUE_SECONDS);
    await sweep();
    expect((await timesOf(id)).refresh_at).not.toBeNull();
    expect(await node.connections.getConnection(id, ENVIRONMENT)).toMatchObject({ version: 3 });
  });

  it('is not stopped between a request that left and its answer: that is asked for again inside the grace', async () => {
    const { id, read } = await leaveUnused();
    const held = holdRefresh('after_answer');
    const dying = await startNode({ db, clock, withOAuth: held.withOAuth });
    void read(dying).catch(() => undefined);
    await held.stands;
    clock.move(16);
    expect(await sweep()).toBe(1);
    expect(await node.connections.getConnection(id, ENVIRONMENT)).toMatchObject({ version: 2 });
    expect(await orgAnswers(org, await read())).toBe(200);
    expect(org.control.counters().familyRevocations).toBe(0);
  });

  it('has its reads noted once in twelve hours, in one statement for all', async () => {
    const all = [await connect(), await connect(), await connect()];
    const before = db.askedFor('uses_note');
    const noted = () => db.askedFor('uses_note') - before;
    for (const { read } of [...all, ...all]) await read();
    expect(noted()).toBe(0);
    await node.usage.flushUses();
    expect(noted()).toBe(1);
    const readAt = clock.now();
    for (const { id } of all) expect((await timesOf(id)).last_used_at).toEqual(readAt);
    const [first] = all;
    if (!first) throw new Error('nobody is connected');
    for (let hour = 0; hour < 11; hour += 1) {
      clock.move(HOUR_SECONDS);
      await sweep();
      await first.read();
      await node.usage.flushUses();
    }
    expect(noted()).toBe(1);
    clock.move(HOUR_SECONDS);
    await first.read();
    await node.usage.flushUses();
    expect(noted()).toBe(2);
    expect((await timesOf(first.id)).last_used_at).toEqual(clock.now());
  });

  it('has a read noted later that could not be noted at once', async () => {
    const { id, read } = await connect();
    await read();
    db.setAway(true);
    await expect(node.usage.flushUses()).rejects.toThrow('away');
    db.setAway(false);
    await node.usage.flushUses();
    expect((await timesOf(id)).last_used_at).toEqual(clock.now());
  });
});
