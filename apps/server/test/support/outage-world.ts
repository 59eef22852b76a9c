import type { Org } from '../../../demo/src/org/index.js';
import type { Database } from '../../src/db/database.js';
import { plantConnection } from './planted-connection.js';
import {
  ENVIRONMENT,
  eventsOf,
  setUpIntegration,
  startNode,
  startTestOrg,
  type TestClock,
  testClock,
} from './world.js';

/** The sweeps' own rhythm is 10 s; coarser is as good here, and faster. */
const STEP_SECONDS = 30;
/** A person of the org whose role the tests take. */
export const GRACE = 'grace@acme.test';
/** A fault that stays until it is cleared. */
export const EVERYTHING = 1_000_000;

const STATE_EVENTS = ['connection.degraded', 'connection.needs_reconnect', 'connection.recovered'];

export interface Planted {
  readonly id: string;
  readonly userId: string;
  readonly grantId: string;
}

/** A clock that goes on by a millisecond each time it is read: nothing that takes a while happens at one moment. */
const tickingClock = (): TestClock => {
  const clock = testClock();
  return {
    now: () => {
      clock.move(0.001);
      return clock.now();
    },
    move: clock.move,
  };
};

/** Two replicas on one database, one org, and time that goes by. */
export const startOutageWorld = async (db: Database) => {
  const clock = tickingClock();
  const org: Org = await startTestOrg(clock);
  const node = await startNode({ db, clock, jitter: 0.5 });
  const other = await startNode({ db, clock, jitter: 0.3 });
  await setUpIntegration(node, org);
  let users = 0;

  const stateOf = async (id: string) => {
    const { status, reason } = await node.connections.getConnection(id, ENVIRONMENT);
    return { status, reason };
  };

  return {
    clock,
    org,
    node,
    stateOf,
    async connectMany(
      count: number,
      more: { label?: string; userId?: string; person?: string } = {},
    ): Promise<Planted[]> {
      const made: Planted[] = [];
      while (made.length < count) {
        users += 1;
        made.push(await plantConnection(node, org, clock, { userId: `user_${users}`, ...more }));
      }
      return made;
    },
    /** Lets time go by, with both replicas at work; `each` is done before every step. */
    async pass(
      seconds: number,
      {
        stepSeconds = STEP_SECONDS,
        each,
      }: { stepSeconds?: number; each?: (step: number) => Promise<unknown> } = {},
    ): Promise<void> {
      for (let passed = 0; passed < seconds; passed += stepSeconds) {
        clock.move(stepSeconds);
        await each?.(passed / stepSeconds);
        await Promise.all([node, other].map((one) => one.refresh.sweepDueRefreshes(clock.now())));
        await Promise.all([node, other].map((one) => one.health.sweepDueProbes(clock.now())));
      }
    },
    /** Those that are not healthy. */
    async badOf(made: readonly Planted[]) {
      const states = await Promise.all(made.map(async ({ id }) => ({ id, ...(await stateOf(id)) })));
      return states.filter(({ status }) => status !== 'healthy');
    },
    async placeEvents(type = 'integration.degraded') {
      const all = await node.events.listEvents(ENVIRONMENT, 0);
      return all.map(({ event }) => event).filter((event) => event.type === type);
    },
    /** Types of the events that tell of states, all connections together. */
    async stateEvents(made: readonly Planted[]) {
      const types = await Promise.all(made.map(({ id }) => eventsOf(node, id)));
      return types.flat().filter((type) => STATE_EVENTS.includes(type));
    },
    /** Keys of the places that fail now. */
    async failingPlaces(): Promise<string[]> {
      const text = 'SELECT place FROM failing_places WHERE ended_at IS NULL';
      const rows = await db.query<{ place: string }>('test_places', text, []);
      return rows.map(({ place }) => place);
    },
    /** Everything well, and nobody connected. */
    async reset(): Promise<void> {
      for (const table of ['connections', 'events', 'failing_places', 'probe_limits']) {
        await db.query(`test_clear_${table}`, `DELETE FROM ${table}`, []);
      }
      await db.query(
        'test_mend',
        `UPDATE integrations SET status = 'healthy', reason = NULL, retry_at = NULL`,
        [],
      );
      org.control.reset();
    },
    close: () => org.close(),
  };
};

export type OutageWorld = Awaited<ReturnType<typeof startOutageWorld>>;
