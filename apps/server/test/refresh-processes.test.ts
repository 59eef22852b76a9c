import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Org } from '../../demo/src/org/index.js';
import { applyMigrations } from '../src/db/apply-migrations.js';
import type { Database } from '../src/db/database.js';
import { openPostgres } from '../src/db/postgres.js';
import { createLogger } from '../src/log/logger.js';
import { postgresUrl } from './support/databases.js';
import { createPostgresDatabase } from './support/pristine-postgres.js';
import { type RefreshingProcess, startProcess } from './support/refreshing-process.js';
import {
  connectUser,
  ENVIRONMENT,
  orgAnswers,
  refOf,
  setUpIntegration,
  startNode,
  startTestOrg,
  type TestNode,
  testClock,
} from './support/world.js';

const CONNECTIONS = 24;
const DUE_SECONDS = 3400;
const ENDED_SECONDS = 3700;
/** Past the lease, inside the provider's grace of 30 s. */
const LEASE_SECONDS = 16;

const server = postgresUrl();
if (server === null) {
  process.stderr.write(
    'NOTICE: the test of several processes is skipped: AUTHPIPE_TEST_DATABASE_URL is not set.\n',
  );
}
const describeOnPostgres = server === null ? describe.skip : describe;

describeOnPostgres('refresh by several processes on one Postgres', () => {
  const clock = testClock();
  const log = createLogger('silent');
  const userIds = Array.from({ length: CONNECTIONS }, (_, index) => `user_${index}`);
  let drop: () => Promise<void>;
  let url: string;
  let db: Database;
  let org: Org;
  let node: TestNode;
  let replicas: RefreshingProcess[] = [];

  const connectAll = async () => {
    for (const userId of userIds) await connectUser(node, org, clock, { userId });
    org.control.resetCounters();
  };
  const allWork = async (version: number) => {
    for (const userId of userIds) {
      const credential = await node.readCredential(refOf(userId), ENVIRONMENT, null);
      expect(credential).toMatchObject({ version, status: 'healthy' });
      expect(await orgAnswers(org, credential)).toBe(200);
    }
    expect(org.control.counters().familyRevocations).toBe(0);
  };
  const until = async (isTrue: () => boolean) => {
    while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  beforeAll(async () => {
    ({ url, drop } = await createPostgresDatabase(server ?? ''));
    db = await openPostgres(url, log);
    await applyMigrations(db, log);
    org = await startTestOrg(clock);
    node = await startNode({ db, clock, log });
    await setUpIntegration(node, org);
  });
  beforeEach(async () => {
    await db.query('test_clear', 'DELETE FROM connections', []);
    await connectAll();
    replicas = await Promise.all([startProcess(url), startProcess(url)]);
  });
  afterEach(async () => {
    await Promise.all(replicas.map((replica) => replica.end()));
  });
  afterAll(async () => {
    await org.close();
    await db.close();
    await drop();
  });

  it('is made once per connection, when both sweep at the same time', async () => {
    clock.move(DUE_SECONDS);
    const swept = await Promise.all(replicas.map((replica) => replica.sweep(clock.now())));
    expect(swept.reduce((sum, count) => sum + count)).toBe(CONNECTIONS);
    expect(org.control.counters().refreshRequests).toBe(CONNECTIONS);
    await allWork(2);
  });

  it('is made once per connection, when readers of both wait for ended tokens while both sweep', async () => {
    clock.move(ENDED_SECONDS);
    await Promise.all(
      replicas.flatMap((replica) => [
        replica.sweep(clock.now()),
        replica.read(clock.now(), userIds),
        replica.read(clock.now(), userIds),
      ]),
    );
    expect(org.control.counters().refreshRequests).toBe(CONNECTIONS);
    await allWork(2);
  });

  it('hazard 2: a process killed between the provider’s answer and its own write loses no connection', async () => {
    const [dying, surviving] = replicas as [RefreshingProcess, RefreshingProcess];
    clock.move(DUE_SECONDS);
    org.control.failNext({ kind: 'drop_answer', times: 4 });
    org.control.failNext({ kind: 'hang', times: 4 });
    dying.sweep(clock.now()).catch(() => undefined);
    await until(() => org.control.hungCount() === 4);
    await dying.crash();
    org.control.releaseHung();
    await surviving.sweep(clock.now());
    clock.move(LEASE_SECONDS);
    await surviving.sweep(clock.now());
    await allWork(2);
  });
});
