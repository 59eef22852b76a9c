import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import type { Database } from '../src/db/database.js';
import type { OAuth } from '../src/oauth/oauth.js';
import { describeEachEngine } from './support/databases.js';
import { holdRefresh } from './support/held-refresh.js';
import { shakenDatabase } from './support/shaken-database.js';
import {
  ENVIRONMENT,
  eventsOf,
  orgAnswers,
  setUpIntegration,
  startNode,
  startTestOrg,
  type TestNode,
  testClock,
  userConnector,
} from './support/world.js';

const DUE_SECONDS = 3400;
const LEASE_SECONDS = 16;

describeEachEngine('a refresh whose process dies or stands still', (open) => {
  const clock = testClock();
  let db: Database;
  let org: Org;
  let node: TestNode;

  const connect = userConnector(() => ({ node, org, clock }));
  const sweep = (by: TestNode = node) => by.refresh.sweepDueRefreshes(clock.now());
  const claim = (by: TestNode, connectionId: string) =>
    by.refreshes.claimRefresh({ connectionId, environment: ENVIRONMENT }, { force: true });
  const asked = () => org.control.counters().refreshRequests;
  const refreshedEvents = async (id: string) =>
    (await eventsOf(node, id)).filter((type) => type === 'credential.refreshed').length;
  /** Time in which the servers that are named beat as they do. */
  const pass = async (seconds: number, ...beating: TestNode[]) => {
    for (let second = 0; second < seconds; second += 1) {
      clock.move(1);
      for (const living of beating) await living.nodes.beat();
    }
  };

  beforeAll(async () => {
    db = await open();
    org = await startTestOrg(clock);
    node = await startNode({ db, clock });
    await setUpIntegration(node, org);
  });
  beforeEach(async () => {
    await db.query('test_clear', 'DELETE FROM connections', []);
    clock.move(60);
    await node.nodes.beat();
    await pass(5, node);
    org.control.clearFaults();
    org.control.resetCounters();
  });
  afterAll(async () => {
    await org.close();
    await db.close();
  });

  it('is free once its owner was not heard of for four seconds, and not before', async () => {
    const { id, read } = await connect();
    const dying = await startNode({ db, clock });
    clock.move(DUE_SECONDS);
    await pass(5, node);
    expect(await claim(dying, id)).not.toBeNull();
    await pass(3, node);
    expect(await sweep()).toBe(0);
    await pass(1, node);
    expect(await sweep()).toBe(1);
    expect(await read()).toMatchObject({ version: 2, status: 'healthy' });
  });

  it('is not free as long as its owner is heard of', async () => {
    const { id } = await connect();
    const slow = await startNode({ db, clock });
    await claim(slow, id);
    await pass(12, node, slow);
    expect(await claim(node, id)).toBeNull();
  });

  it('is free at once when its owner took itself off the list', async () => {
    const { id } = await connect();
    const leaving = await startNode({ db, clock });
    await claim(leaving, id);
    expect(await claim(node, id)).toBeNull();
    await leaving.nodes.leave();
    expect(await claim(node, id)).not.toBeNull();
  });

  it('hazard 2: a process that died between answer and commit loses nothing: the next owner uses the old refresh token inside the grace', async () => {
    const { id, read } = await connect();
    const held = holdRefresh('after_answer');
    const dying = await startNode({ db, clock, withOAuth: held.withOAuth });
    clock.move(DUE_SECONDS);
    await pass(5, node);
    void sweep(dying);
    await held.stands;
    await pass(4, node);
    expect(await sweep()).toBe(1);
    const credential = await read();
    expect(credential).toMatchObject({ version: 2, status: 'healthy' });
    expect(await orgAnswers(org, credential)).toBe(200);
    clock.move(DUE_SECONDS);
    await pass(5, node);
    await sweep();
    expect(await read()).toMatchObject({ version: 3, status: 'healthy' });
    expect(asked()).toBe(3);
    expect(await refreshedEvents(id)).toBe(2);
    expect(org.control.counters().familyRevocations).toBe(0);
  });

  it('hazard 1: a process that comes back from being taken for dead writes nothing', async () => {
    const { id, read } = await connect();
    const held = holdRefresh('after_answer');
    const frozen = await startNode({ db, clock, withOAuth: held.withOAuth });
    clock.move(DUE_SECONDS);
    await pass(5, node);
    const back = sweep(frozen);
    await held.stands;
    await pass(4, node);
    await sweep();
    const winner = await read();
    held.release();
    await back;
    await frozen.nodes.beat();
    expect(await frozen.spool.drain()).toBe(0);
    expect(await read()).toEqual(winner);
    expect(await refreshedEvents(id)).toBe(1);
    expect(await orgAnswers(org, winner)).toBe(200);
  });

  it('is due at once for the next owner, though it was asked for long before its time', async () => {
    const { id, read } = await connect();
    const held = holdRefresh('after_answer');
    const dying = await startNode({ db, clock, withOAuth: held.withOAuth });
    void dying.refresh.refreshConnection(id, ENVIRONMENT);
    await held.stands;
    expect(await sweep()).toBe(0);
    await pass(4, node);
    expect(await sweep()).toBe(1);
    expect(await read()).toMatchObject({ version: 2, status: 'healthy' });
    expect(org.control.counters().familyRevocations).toBe(0);
  });

  /** A process that stands still between the proof of its lease and the first byte, as often as told. */
  const standingStill = async (
    times: number,
    seenBy: 'monotonicMillis' | 'wallMillis' = 'monotonicMillis',
  ) => {
    let [millis, left] = [0, times];
    const withOAuth = (oauth: OAuth): OAuth => ({
      ...oauth,
      renew: (target, renewal, options) =>
        oauth.renew(target, renewal, {
          ...options,
          leave: async () => {
            const depart = (await options?.leave?.()) ?? (() => undefined);
            left -= 1;
            if (left >= 0) millis += 2_001;
            return depart;
          },
        }),
    });
    const shaken = shakenDatabase(db);
    const still = await startNode({
      db: shaken,
      clock,
      withOAuth,
      ...{ monotonicMillis: () => 0, wallMillis: () => 0, [seenBy]: () => millis },
    });
    return { still, proofs: () => shaken.askedFor('refresh_intent') };
  };

  it.each([
    ['the process stood still', 'monotonicMillis'],
    ['the machine slept, as its own clock alone shows', 'wallMillis'],
  ] as const)('is not sent on a proof that grew old while %s, but on a fresh one', async (_name, seenBy) => {
    const { read } = await connect();
    const { still, proofs } = await standingStill(1, seenBy);
    clock.move(DUE_SECONDS);
    expect(await sweep(still)).toBe(1);
    expect(proofs()).toBe(2);
    expect(asked()).toBe(1);
    expect(await read()).toMatchObject({ version: 2, status: 'healthy' });
  });

  it('is handed back unsent by a process that keeps standing still', async () => {
    const { read } = await connect();
    const { still, proofs } = await standingStill(1_000);
    clock.move(DUE_SECONDS);
    await sweep(still);
    expect(proofs()).toBe(3);
    expect(asked()).toBe(0);
    expect(await sweep()).toBe(1);
    expect(await read()).toMatchObject({ version: 2, status: 'healthy' });
  });

  it('is not sent when the lease went to another between claim and departure', async () => {
    const { id, read } = await connect();
    const losing = await startNode({
      db,
      clock,
      withOAuth: (oauth) => ({
        ...oauth,
        renew: async (...given) => {
          clock.move(LEASE_SECONDS);
          await sweep();
          return oauth.renew(...given);
        },
      }),
    });
    clock.move(DUE_SECONDS);
    await sweep(losing);
    expect(asked()).toBe(1);
    expect(await read()).toMatchObject({ version: 2, status: 'healthy' });
    expect(await refreshedEvents(id)).toBe(1);
  });

  it('is left alone after an outage of the database until its owner had time to be heard of again', async () => {
    const { id } = await connect();
    const other = await startNode({ db, clock });
    await claim(other, id);
    await node.nodes.beat();
    clock.move(6);
    await node.nodes.beat();
    expect(await claim(node, id)).toBeNull();
    await pass(3, node);
    expect(await claim(node, id)).toBeNull();
    await pass(1, node);
    expect(await claim(node, id)).not.toBeNull();
  });

  it('stays with its owner after an outage of the database when that one is heard of again', async () => {
    const { id } = await connect();
    const other = await startNode({ db, clock });
    await claim(other, id);
    await node.nodes.beat();
    clock.move(6);
    await node.nodes.beat();
    await pass(5, node, other);
    expect(await claim(node, id)).toBeNull();
  });

  it('is handed back unsent by a server that froze, or began to stop, after its claim', async () => {
    const { read } = await connect();
    let isFrozen = false;
    const freezing = await startNode({
      db,
      clock,
      isFrozen: () => isFrozen,
      withOAuth: (oauth) => ({
        ...oauth,
        renew: (...given) => {
          isFrozen = true;
          return oauth.renew(...given);
        },
      }),
    });
    clock.move(DUE_SECONDS);
    await sweep(freezing);
    expect(asked()).toBe(0);
    expect(await sweep()).toBe(1);
    expect(await read()).toMatchObject({ version: 2, status: 'healthy' });
  });

  it('hazard 2: a lost answer is asked for again inside the grace, though the provider then fails for a while', async () => {
    const { id, read } = await connect();
    const unlucky = await startNode({ db, clock, jitter: 0.99 });
    clock.move(DUE_SECONDS);
    org.control.failNext({ kind: 'drop_answer' });
    org.control.failNext({ kind: 'server_error', times: 4 });
    for (let second = 0; second < 28; second += 1) {
      await sweep(unlucky);
      clock.move(1);
    }
    expect(await read()).toMatchObject({ version: 2, status: 'healthy' });
    expect(await refreshedEvents(id)).toBe(1);
    expect(org.control.counters().familyRevocations).toBe(0);
  });
});
