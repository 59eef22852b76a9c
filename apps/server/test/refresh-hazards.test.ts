// What others break (hazards), and what is asked for everywhere, as far as refresh.test.ts does not show it.
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import type { Database } from '../src/db/database.js';
import { describeEachEngine } from './support/databases.js';
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
const ENDED_SECONDS = 3700;
const LEASE_SECONDS = 16;
const SLOW_RETRY_SECONDS = 300;

describeEachEngine('refresh, where others break', (open) => {
  const clock = testClock();
  let db: Database;
  let org: Org;
  let node: TestNode;

  const connect = userConnector(() => ({ node, org, clock }));
  const sweep = (by: TestNode = node) => by.refresh.sweepDueRefreshes(clock.now());
  const refreshes = () => org.control.counters().refreshRequests;
  /** The database with no answer to some statements. */
  const without = (...statements: string[]): Database => ({
    ...db,
    query: async <Row>(statement: string, sql: string, values: readonly unknown[]) => {
      if (statements.includes(statement)) throw new Error('the leases are away');
      return db.query<Row>(statement, sql, values);
    },
  });
  const rowsOf = async (id: string) => [
    await db.query('test_connection', 'SELECT * FROM connections WHERE id = $1', [id]),
    await db.query('test_credential', 'SELECT * FROM credentials WHERE connection_id = $1', [id]),
  ];

  beforeAll(async () => {
    db = await open();
    org = await startTestOrg(clock);
    node = await startNode({ db, clock });
    await setUpIntegration(node, org);
  });
  beforeEach(async () => {
    await db.query('test_clear', 'DELETE FROM connections', []);
    org.control.clearFaults();
    org.control.resetCounters();
  });
  afterAll(async () => {
    await org.close();
    await db.close();
  });

  it('hazard 4: a read stamps nothing: not when it was refreshed, not when it was proved', async () => {
    const { id, read } = await connect();
    const before = await rowsOf(id);
    for (let minute = 0; minute < 10; minute += 1) {
      clock.move(60);
      await read();
    }
    expect(await rowsOf(id)).toEqual(before);
  });

  it('hazard 7: leases that can not be had stall no read of a living token, and break nothing', async () => {
    const { id, read } = await connect();
    const shaken = await startNode({ db: without('refresh_claim', 'refresh_progress'), clock });
    clock.move(DUE_SECONDS);
    expect(await read(shaken)).toMatchObject({ version: 1, status: 'healthy' });
    expect(refreshes()).toBe(0);
    expect(await eventsOf(node, id)).toEqual(['connection.created']);
    await sweep();
    expect(await read(shaken)).toMatchObject({ version: 2, status: 'healthy' });
  });

  it('hazard 7: nothing is sent on a lease that can not be proved', async () => {
    const { read } = await connect();
    const shaken = await startNode({ db: without('refresh_intent'), clock });
    clock.move(DUE_SECONDS);
    await sweep(shaken);
    expect(refreshes()).toBe(0);
    clock.move(LEASE_SECONDS);
    await sweep();
    expect(await read()).toMatchObject({ version: 2, status: 'healthy' });
    expect(refreshes()).toBe(1);
  });

  /** What can't be refreshed is the most overdue, and more than a sweep has places for. */
  const connectMany = async (integrationId?: string) => {
    const ids: string[] = [];
    while (ids.length < 40) ids.push((await connect(integrationId ? { integrationId } : {})).id);
    clock.move(60);
    return { ids, good: await connect() };
  };

  it('asked for everywhere: credentials that can not be opened hold up no others, and are not tried in a loop', async () => {
    const { ids, good } = await connectMany();
    const torn = `UPDATE credentials SET envelope = 'torn' WHERE connection_id = ANY ($1::text[])`;
    await db.query('test_tear', torn, [ids]);
    clock.move(DUE_SECONDS + 60);
    expect(await sweep()).toBe(41);
    expect(await good.read()).toMatchObject({ version: 2, status: 'healthy' });
    expect(await sweep()).toBe(0);
    clock.move(SLOW_RETRY_SECONDS);
    expect(await sweep()).toBe(40);
  });

  it('asked for everywhere: an integration that lacks a setting holds up no others, and its connections say so', async () => {
    await setUpIntegration(node, org, 'okta_eu');
    const { ids, good } = await connectMany('okta_eu');
    await db.query(
      'test_unset',
      `UPDATE integrations SET config = '{}', version = version + 1 WHERE integration_id = 'okta_eu'`,
      [],
    );
    clock.move(DUE_SECONDS + 60);
    expect(await sweep()).toBe(41);
    expect(await good.read()).toMatchObject({ version: 2, status: 'healthy' });
    expect(await sweep()).toBe(0);
    const { status, reason } = await node.connections.getConnection(ids[0] ?? '', ENVIRONMENT);
    expect({ status, reason }).toEqual({ status: 'degraded', reason: 'configuration' });
    clock.move(SLOW_RETRY_SECONDS);
    expect(await sweep()).toBe(40);
  });

  it('hazard 8: one dead connection is asked for once, whatever readers, replicas and sweeps there are', async () => {
    const { id, read } = await connect();
    const other = await startNode({ db, clock });
    org.control.revokeGrants({ all: true });
    clock.move(ENDED_SECONDS);
    for (let round = 0; round < 20; round += 1) {
      const readers = [node, other].flatMap((by) => [read(by), read(by), read(by)]);
      await Promise.allSettled([sweep(), sweep(other), ...readers]);
      clock.move(30);
    }
    expect(refreshes()).toBe(1);
    expect(await eventsOf(node, id)).toEqual(['connection.created', 'connection.needs_reconnect']);
  });

  it('asked for 2: a lost race is not taken for a dead grant: the sibling’s token is the answer', async () => {
    const { id, read } = await connect();
    const racing = await startNode({
      db,
      clock,
      withOAuth: (oauth) => ({
        ...oauth,
        renew: async (target, _renewal, options) => {
          const depart = await options?.leave?.();
          clock.move(LEASE_SECONDS);
          await sweep();
          depart?.();
          return oauth.renew(target, {
            grant: 'refresh_token',
            refreshToken: 'a-token-that-the-sibling-used-up',
          });
        },
      }),
      monotonicMillis: () => 0,
    });
    clock.move(DUE_SECONDS);
    expect(await racing.refresh.refreshConnection(id, ENVIRONMENT)).toMatchObject({
      status: 'healthy',
      version: 2,
    });
    expect(refreshes()).toBe(2);
    expect(await orgAnswers(org, await read(racing))).toBe(200);
    expect(await eventsOf(node, id)).toEqual(['connection.created', 'credential.refreshed']);
  });
});
