import pg from 'pg';
import { errorName } from '../errors/error-name.js';
import type { Logger } from '../log/logger.js';
import type { Randomness } from '../randomness.js';
import type { Sleep } from '../sleep.js';
import type { Database } from './database.js';

/** Hears when a transaction that wrote to the outbox has committed, on whichever server. */
export interface NotificationListener {
  /** Whether notifications come in. Where not (a transaction pooler, a lost connection), looking is the only way. */
  isListening(): boolean;
  /** From now on `onNotification` is called; also whenever listening begins again, as something may have been missed. */
  start(onNotification: () => void): Promise<void>;
  stop(): Promise<void>;
}

/** What the trigger on `events` notifies. */
const CHANNEL = 'authpipe_events';

/** How long a notification of our own may take to come back before listening counts as dead. */
const PROBE_MILLIS = 3_000;
/** A connection that died without a word is noticed within this and `PROBE_MILLIS`. */
const PROBE_EVERY_MILLIS = 20_000;
const CONNECT_TIMEOUT_MILLIS = 5_000;
const FIRST_RETRY_MILLIS = 1_000;
/** A pooler stays one: it is tried again only in case that the setting was mended behind the same address. */
const LAST_RETRY_MILLIS = 60_000;

interface ListenerDependencies {
  readonly db: Database;
  /** `DATABASE_DIRECT_URL`: LISTEN belongs to a session, which a transaction pooler takes away after each statement. */
  readonly directUrl: string;
  readonly randomness: Randomness;
  readonly sleep: Sleep;
  readonly log: Logger;
}

/** Listens on the embedded database: one process, which can't miss its own notifications. */
const embeddedListener = (
  pglite: Extract<Database['driver'], { kind: 'pglite' }>['pglite'],
): NotificationListener => {
  let unlisten: (() => Promise<void>) | null = null;
  return {
    isListening: () => unlisten !== null,
    async start(onNotification) {
      unlisten = await pglite.listen(CHANNEL, onNotification);
    },
    async stop() {
      await unlisten?.();
      unlisten = null;
    },
  };
};

/** Listens on a connection of its own, and proves every so often that notifications come through. */
const postgresListener = ({
  db,
  directUrl,
  randomness,
  sleep,
  log,
}: ListenerDependencies): NotificationListener => {
  let isListening = false;
  let isStopped = false;
  let stop = (): void => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  let running: Promise<void> = Promise.resolve();

  /** One connection, from its start to its loss. Answers whether it ever heard anything. */
  const listenOnce = async (onNotification: () => void, onProved: () => void): Promise<boolean> => {
    const client = new pg.Client({
      connectionString: directUrl,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MILLIS,
      keepAlive: true,
      application_name: 'authpipe events',
    });
    const lost = new Promise<false>((resolve) => {
      const lose = (): void => resolve(false);
      client.on('error', lose).on('end', lose);
      stopped.then(lose);
    });
    const echo = { token: '', heard: (_heard: true): void => {} };
    client.on('notification', ({ payload }) => {
      // Servers hear each other's probes too.
      if (payload === echo.token) echo.heard(true);
      else if (payload === '') onNotification();
    });
    /** Goes out through the pool and has to come back through this connection. */
    const probe = async (): Promise<boolean> => {
      echo.token = randomness.bytes(12).toString('base64url');
      const heard = new Promise<true>((resolve) => {
        echo.heard = resolve;
      });
      await db.query('events_probe', 'SELECT pg_notify($1, $2)', [CHANNEL, echo.token]);
      return Promise.race([heard, lost, sleep(PROBE_MILLIS).then(() => false)]);
    };
    let hasHeard = false;
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
      while (!isStopped && (await probe())) {
        if (!isListening) {
          isListening = true;
          hasHeard = true;
          onProved();
          onNotification();
        }
        if ((await Promise.race([lost, sleep(PROBE_EVERY_MILLIS).then(() => true)])) === false) break;
      }
    } catch (error) {
      log.debug({ error: errorName(error) }, 'the connection for events broke');
    } finally {
      isListening = false;
      client.end().catch(() => undefined);
    }
    return hasHeard;
  };

  const run = async (onNotification: () => void, onTried: () => void): Promise<void> => {
    let retryMillis = FIRST_RETRY_MILLIS;
    let isWarned = false;
    while (!isStopped) {
      const hasHeard = await listenOnce(onNotification, () => {
        if (isWarned) log.info('events are pushed by the database again');
        isWarned = false;
        onTried();
      });
      onTried();
      if (isStopped) return;
      if (hasHeard) retryMillis = FIRST_RETRY_MILLIS;
      if (!isWarned) {
        log.warn(
          'LISTEN does not work on this database connection: events are looked for four times a second instead. If a transaction pooler is in between, set DATABASE_DIRECT_URL to the database itself.',
        );
        isWarned = true;
      }
      await Promise.race([stopped, sleep(retryMillis * (0.5 + randomness.fraction() / 2))]);
      retryMillis = Math.min(retryMillis * 2, LAST_RETRY_MILLIS);
    }
  };

  return {
    isListening: () => isListening,
    start: (onNotification) =>
      new Promise((resolve) => {
        running = run(onNotification, resolve);
      }),
    async stop() {
      isStopped = true;
      stop();
      await running;
    },
  };
};

/** The listener for this database; on Postgres it takes one connection more. */
export const createNotificationListener = (
  dependencies: Omit<ListenerDependencies, 'directUrl'> & { readonly directUrl: string | undefined },
): NotificationListener => {
  const { driver } = dependencies.db;
  if (driver.kind === 'pglite') return embeddedListener(driver.pglite);
  return postgresListener({ ...dependencies, directUrl: dependencies.directUrl ?? driver.url });
};
