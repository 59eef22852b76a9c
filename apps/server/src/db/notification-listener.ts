import pg from 'pg';
import { errorSummary } from '../errors/error-summary.js';
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

/** What a connection for notifications tells. */
interface Session {
  /** The database notified of something. */
  readonly onNotification: () => void;
  /** A notification of our own came back: they come through. */
  readonly onProved: () => void;
}

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
  /** Ends the wait that the listener is in: there is one at a time, and none is left behind. */
  let interrupt = (): void => {};
  let running: Promise<void> = Promise.resolve();

  /** Waits until `interrupt`, at most so long. */
  const rest = (millis: number): Promise<void> =>
    new Promise((resolve) => {
      interrupt = resolve;
      if (isStopped) resolve();
      else sleep(millis).then(resolve);
    });

  /** One connection, from its start to its loss. */
  const listenOnce = async ({ onNotification, onProved }: Session): Promise<void> => {
    const client = new pg.Client({
      connectionString: directUrl,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MILLIS,
      keepAlive: true,
      application_name: 'authpipe events',
    });
    let isLost = false;
    const lose = (): void => {
      isLost = true;
      interrupt();
    };
    const echo = { token: '', isHeard: false };
    client.on('error', lose).on('end', lose);
    client.on('notification', ({ payload }) => {
      // Servers hear each other's probes too.
      if (payload === echo.token) {
        echo.isHeard = true;
        interrupt();
      } else if (payload === '') onNotification();
    });
    /** Goes out through the pool and has to come back through this connection. */
    const probe = async (): Promise<boolean> => {
      Object.assign(echo, { token: randomness.bytes(12).toString('base64url'), isHeard: false });
      await db.query('events_probe', 'SELECT pg_notify($1, $2)', [CHANNEL, echo.token]);
      if (!echo.isHeard && !isLost) await rest(PROBE_MILLIS);
      return echo.isHeard;
    };
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
      while (!isStopped && !isLost && (await probe())) {
        if (!isListening) {
          isListening = true;
          onProved();
        }
        if (!isLost) await rest(PROBE_EVERY_MILLIS);
      }
    } catch (error) {
      log.debug({ error: errorSummary(error) }, 'the connection for events broke');
    } finally {
      isListening = false;
      client.end().catch(() => undefined);
    }
  };

  const run = async (onNotification: () => void, onTried: () => void): Promise<void> => {
    let retryMillis = FIRST_RETRY_MILLIS;
    let isWarned = false;
    const onProved = (): void => {
      if (isWarned) log.info('events are pushed by the database again');
      isWarned = false;
      retryMillis = FIRST_RETRY_MILLIS;
      onTried();
      // Something may have been missed.
      onNotification();
    };
    while (!isStopped) {
      await listenOnce({ onNotification, onProved });
      onTried();
      if (isStopped) return;
      if (!isWarned) {
        log.warn(
          'LISTEN does not work on this database connection: events are looked for four times a second instead. If a transaction pooler is in between, set DATABASE_DIRECT_URL to the database itself.',
        );
        isWarned = true;
      }
      await rest(retryMillis * (0.5 + randomness.fraction() / 2));
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
      interrupt();
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
