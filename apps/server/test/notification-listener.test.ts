import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Database } from '../src/db/database.js';
import { createNotificationListener, type NotificationListener } from '../src/db/notification-listener.js';
import { openPostgres } from '../src/db/postgres.js';
import { createLogger } from '../src/log/logger.js';
import { systemRandomness } from '../src/randomness.js';
import { openTestDatabase, postgresUrl } from './support/databases.js';
import { hasPooler, startPooler } from './support/pooler.js';
import { writeEvent, writeEventIn } from './support/written-events.js';

const log = createLogger('silent');

/** Waits until something is so; the test's own limit is the bound. */
const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe('notifications on the embedded database', () => {
  it('come with each commit', async () => {
    const db = await openTestDatabase('pglite');
    const listener = createNotificationListener({
      ...{ db, directUrl: undefined, randomness: systemRandomness, sleep: async () => {}, log },
    });
    let heard = 0;
    await listener.start(() => {
      heard += 1;
    });
    expect(listener.isListening()).toBe(true);
    await writeEvent(db);
    await until(() => heard > 0);
    await listener.stop();
    expect(listener.isListening()).toBe(false);
    await db.close();
  });
});

const onPostgres = postgresUrl() === null ? describe.skip : describe;
if (postgresUrl() === null)
  process.stderr.write('NOTICE: notifications between servers are tested on Postgres only.\n');

onPostgres('notifications on Postgres', () => {
  let db: Database;
  let url: string;
  let listeners: NotificationListener[];
  beforeEach(async () => {
    db = await openTestDatabase('postgres');
    if (db.driver.kind !== 'postgres') throw new Error('not Postgres');
    url = db.driver.url;
    listeners = [];
  });
  afterEach(async () => {
    for (const listener of listeners) await listener.stop();
    await db.close();
  });

  /** Waits never end by time: what is tested is what is heard. `retries` lets the tries follow each other at once. */
  const listen = (over: Database, { retries = false, directUrl = undefined as string | undefined } = {}) => {
    const listener = createNotificationListener({
      ...{ db: over, directUrl, randomness: systemRandomness, log },
      sleep: (millis) => (retries && millis < 3_000 ? Promise.resolve() : new Promise<void>(() => {})),
    });
    listeners.push(listener);
    return listener;
  };

  it('come from other servers, when they commit and not before', async () => {
    const other = await openPostgres(url, log);
    const listener = listen(db);
    let heard = 0;
    await listener.start(() => {
      heard += 1;
    });
    // Once at the start: something may have been written before.
    expect([listener.isListening(), heard]).toEqual([true, 1]);
    await other.transaction(async (tx) => {
      await writeEventIn(tx);
      await other.ping();
      expect(heard).toBe(1);
    });
    await until(() => heard === 2);
    await other.close();
  });

  it('come again after the connection was lost, and what was missed meanwhile is asked for', async () => {
    const listener = listen(db, { retries: true });
    let heard = 0;
    await listener.start(() => {
      heard += 1;
    });
    await db.query(
      'terminate',
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = 'authpipe events' AND datname = current_database()`,
      [],
    );
    await until(() => heard === 2);
    expect(listener.isListening()).toBe(true);
  });

  const withPooler = hasPooler() ? it : it.skip;
  if (!hasPooler())
    process.stderr.write('NOTICE: the transaction pooler is not tested: install pgbouncer.\n');

  withPooler('are known to be missing behind a transaction pooler', async () => {
    const pooler = await startPooler(url);
    const pooled = await openPostgres(pooler.url, log);
    // The probe's own limit is let run out at once.
    const listener = createNotificationListener({
      ...{ db: pooled, directUrl: undefined, randomness: systemRandomness, log },
      sleep: (millis) => new Promise((resolve) => setTimeout(resolve, millis === 3_000 ? 300 : 1e8).unref()),
    });
    listeners.push(listener);
    await listener.start(() => {});
    expect(listener.isListening()).toBe(false);
    await pooled.close();
    await pooler.stop();
  });

  withPooler('come behind a pooler where DATABASE_DIRECT_URL leads around it', async () => {
    const pooler = await startPooler(url);
    const pooled = await openPostgres(pooler.url, log);
    const listener = listen(pooled, { directUrl: url });
    let heard = 0;
    await listener.start(() => {
      heard += 1;
    });
    expect(listener.isListening()).toBe(true);
    await writeEvent(pooled);
    await until(() => heard === 2);
    await pooled.close();
    await pooler.stop();
  });
});
