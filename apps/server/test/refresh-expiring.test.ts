import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import type { Database } from '../src/db/database.js';
import { describeEachEngine } from './support/databases.js';
import {
  connectUser,
  ENVIRONMENT,
  eventsOf,
  setUpIntegration,
  startNode,
  startTestOrg,
  type TestNode,
  testClock,
} from './support/world.js';

const DUE_SECONDS = 3400;
const DAY_SECONDS = 86_400;

describeEachEngine('the coming end of a grant', (open) => {
  const clock = testClock();
  let db: Database;
  let org: Org;
  let node: TestNode;
  let users = 0;

  const connect = async (userId = `user_${++users}`) => {
    const { connection } = await connectUser(node, org, clock, { userId });
    return { id: connection.id, userId };
  };
  const expiringOf = async (id: string) =>
    (await eventsOf(node, id)).filter((type) => type === 'connection.expiring').length;
  const tell = () => node.expiring.tellExpiring(clock.now());
  const sweep = () => node.refresh.sweepDueRefreshes(clock.now());

  beforeAll(async () => {
    db = await open();
    org = await startTestOrg(clock);
    node = await startNode({ db, clock });
    await setUpIntegration(node, org);
  });
  beforeEach(async () => {
    await db.query('test_clear', 'DELETE FROM connections', []);
  });
  afterAll(async () => {
    await org.close();
    await db.close();
  });

  it('is told two weeks, three days and a day ahead, once each, whatever was refreshed meanwhile', async () => {
    const { id } = await connect();
    clock.move(76 * DAY_SECONDS - 60);
    await sweep();
    expect(await tell()).toBe(0);
    clock.move(60);
    const other = await startNode({ db, clock });
    const told = await Promise.all([tell(), other.expiring.tellExpiring(clock.now())]);
    expect(told[0] + told[1]).toBe(1);
    expect(await expiringOf(id)).toBe(1);
    const toldBy: number[] = [];
    for (let day = 1; day <= 13; day += 1) {
      clock.move(DAY_SECONDS);
      await sweep();
      // A server that was started anew, and one beside it.
      const again = await startNode({ db, clock });
      await Promise.all([tell(), again.expiring.tellExpiring(clock.now())]);
      toldBy.push(await expiringOf(id));
    }
    expect(toldBy).toEqual([...Array.from({ length: 10 }, () => 1), 2, 2, 3]);
    const { status, reconnectBy } = await node.connections.getConnection(id, ENVIRONMENT);
    expect(status).toBe('healthy');
    expect(new Date(reconnectBy ?? 0).getTime() - clock.now().getTime()).toBe(DAY_SECONDS * 1000);
  });

  it('is not told of a connection that has to be made anew in any case', async () => {
    const { id } = await connect();
    org.control.revokeGrants({ all: true });
    clock.move(DUE_SECONDS);
    await sweep();
    clock.move(80 * DAY_SECONDS);
    await tell();
    expect(await expiringOf(id)).toBe(0);
    expect(await tell()).toBe(0);
  });

  it('is told again of the grant that a reconnect brought', async () => {
    const { id, userId } = await connect();
    clock.move(77 * DAY_SECONDS);
    await tell();
    await connect(userId);
    clock.move(75 * DAY_SECONDS);
    await sweep();
    await tell();
    expect(await expiringOf(id)).toBe(1);
    clock.move(DAY_SECONDS);
    await tell();
    expect(await expiringOf(id)).toBe(2);
  });

  it('is told of many in a few statements', async () => {
    const { id } = await connect();
    await db.query(
      'test_many_connections',
      `INSERT INTO connections SELECT (jsonb_populate_record(c, jsonb_build_object('id', 'conn_' || n, 'user_id', 'many_' || n))).*
       FROM connections c, generate_series(1, 450) n WHERE c.id = $1`,
      [id],
    );
    await db.query(
      'test_many_credentials',
      `INSERT INTO credentials SELECT (jsonb_populate_record(k, jsonb_build_object('connection_id', 'conn_' || n))).*
       FROM credentials k, generate_series(1, 450) n WHERE k.connection_id = $1`,
      [id],
    );
    clock.move(76 * DAY_SECONDS);
    expect(await tell()).toBe(451);
    expect(await tell()).toBe(0);
    const events = await node.events.listEvents(ENVIRONMENT, 0);
    const told = events.filter(({ event }) => event.type === 'connection.expiring');
    expect(new Set(told.map(({ event }) => event.connectionId)).size).toBeGreaterThanOrEqual(451);
    expect(await expiringOf('conn_450')).toBe(1);
  });
});
