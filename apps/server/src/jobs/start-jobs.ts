import { fromPglite, PgBoss } from 'pg-boss';
import type { Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import type { MonotonicMillis } from '../db/database-clock.js';
import { errorSummary } from '../errors/error-summary.js';
import type { Logger } from '../log/logger.js';

/** Work that comes due with time. What is due is decided in SQL; a job only wakes a replica to look. */
export interface RecurringWork {
  /** The queue's name: `refresh.sweep`. */
  readonly name: string;
  /** How often some replica is woken, whole seconds, at least 1. */
  readonly everySeconds: number;
  /** Does what is due at `now`. */
  readonly run: (now: Date) => Promise<unknown>;
}

export interface JobsDependencies {
  readonly db: Database;
  readonly work: readonly RecurringWork[];
  readonly clock: Clock;
  readonly monotonicMillis: MonotonicMillis;
  readonly observe: (run: JobRun) => void;
  readonly log: Logger;
}

/** A run of recurring work, at this process. */
export interface JobRun {
  readonly job: string;
  readonly result: 'ok' | 'failed';
  /** From when it was asked for until it ran. */
  readonly waitSeconds: number;
  readonly seconds: number;
}

/** pg-boss keeps its tables apart from ours. */
const SCHEMA = 'jobs';
/** Of its own, beside the pool that requests use. */
const CONNECTIONS = 2;
/** A sweep that is slow (a provider hangs) leaves a place for the next one. */
const LOCAL_CONCURRENCY = 2;
/** Looks at the queue in each beat: more would be idle load, fewer would make the work late. */
const POLLS_PER_BEAT = 4;
/** pg-boss allows no shorter one. */
const SHORTEST_POLL_SECONDS = 0.5;
const LONGEST_POLL_SECONDS = 10;
const DONE_JOB_SECONDS = 300;
const STOP_MILLIS = 10_000;

const openBoss = ({ driver }: Database): PgBoss => {
  // No cron: the metronome below is finer than its minutes. Wake-ups are worth nothing a minute later.
  const common = { schema: SCHEMA, schedule: false } as const;
  if (driver.kind === 'postgres') {
    return new PgBoss({
      ...common,
      connectionString: driver.url,
      max: CONNECTIONS,
      application_name: 'authpipe-jobs',
    });
  }
  // One connection, no autovacuum, one process: nothing to watch or rebuild concurrently.
  return new PgBoss({
    ...common,
    db: fromPglite(driver.pglite),
    backend: 'pglite',
    monitorVacuum: false,
    reindex: false,
  });
};

/** What a wake-up says: when it was asked for, by the database's clock. */
interface WakeUp {
  readonly askedAtMillis: number;
}

/**
 * Starts the wake-ups: every replica beats the time and sends throttled jobs, so that one replica at a time is woken for
 * each beat, and any number of them may come and go. Work that was missed is found by the next beat.
 * @returns `stop`: takes nothing more, and waits up to 10 s for what runs
 */
export const startJobs = async ({
  db,
  work,
  clock,
  monotonicMillis,
  observe,
  log,
}: JobsDependencies): Promise<{ stop: () => Promise<void> }> => {
  const boss = openBoss(db);
  boss.on('error', (error) => log.error({ error: errorSummary(error) }, 'the job queue had trouble'));
  const beats: NodeJS.Timeout[] = [];

  const begin = async ({ name, everySeconds, run }: RecurringWork): Promise<void> => {
    const wake = (): Promise<unknown> =>
      boss
        .send(name, { askedAtMillis: clock.now().getTime() }, { singletonSeconds: everySeconds })
        .catch((error: unknown) => {
          log.warn({ job: name, error: errorSummary(error) }, 'a wake-up could not be sent');
        });
    await wake();
    await boss.work<WakeUp>(
      name,
      {
        pollingIntervalSeconds: Math.min(
          Math.max(everySeconds / POLLS_PER_BEAT, SHORTEST_POLL_SECONDS),
          LONGEST_POLL_SECONDS,
        ),
        localConcurrency: LOCAL_CONCURRENCY,
      },
      async ([wakeUp]) => {
        const now = clock.now();
        const startedAtMillis = monotonicMillis();
        const result = await run(now).then(
          () => 'ok' as const,
          (error: unknown) => {
            log.error({ job: name, error: errorSummary(error) }, 'a sweep broke off');
            return 'failed' as const;
          },
        );
        // Of a replica of the version before there may be no time.
        const waitMillis = now.getTime() - (wakeUp?.data?.askedAtMillis ?? now.getTime());
        const seconds = (monotonicMillis() - startedAtMillis) / 1000;
        observe({ job: name, result, waitSeconds: Math.max(0, waitMillis / 1000), seconds });
      },
    );
    beats.push(setInterval(() => void wake(), everySeconds * 1000).unref());
  };

  const stop = async (graceful: boolean): Promise<void> => {
    for (const beat of beats) clearInterval(beat);
    await boss.stop({ graceful, timeout: STOP_MILLIS });
  };

  try {
    await boss.start();
    for (const { name } of work) {
      await boss.createQueue(name, { policy: 'short', retryLimit: 0, deleteAfterSeconds: DONE_JOB_SECONDS });
    }
    for (const each of work) await begin(each);
  } catch (error) {
    await stop(false).catch(() => undefined);
    throw error;
  }
  return { stop: () => stop(true) };
};
