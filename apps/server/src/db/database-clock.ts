import type { Clock } from '../clock.js';
import type { Database } from './database.js';

/** Milliseconds that only ever grow, from any start: `performance.now`. */
export type MonotonicMillis = () => number;

/** The database's clock, read on this machine. */
export interface DatabaseClock extends Clock {
  /** Tells what the database's clock said between two moments of `monotonicMillis`. */
  correct(databaseTime: Date, askedAtMillis: number, answeredAtMillis: number): void;
  /** Asks the database. @throws when it does not answer; the clock goes on from what it knew */
  ask(): Promise<void>;
}

/**
 * The one clock of all replicas: the database's, carried on by this machine's steady counter from one look to the next.
 * A machine whose own clock is wrong, or is set while it runs, reckons like all others. The embedded database has this
 * machine's clock and needs no correction.
 */
export const createDatabaseClock = ({
  db,
  clock,
  monotonicMillis,
}: {
  readonly db: Pick<Database, 'engine' | 'query'>;
  /** The machine's, until the database was asked. */
  readonly clock: Clock;
  readonly monotonicMillis: MonotonicMillis;
}): DatabaseClock => {
  let base: { readonly timeMillis: number; readonly atMillis: number } | null = null;

  const correct: DatabaseClock['correct'] = (databaseTime, askedAtMillis, answeredAtMillis) => {
    if (db.engine === 'pglite') return;
    // Somewhere between question and answer: the middle is wrong by half of the trip at most.
    base = { timeMillis: databaseTime.getTime(), atMillis: (askedAtMillis + answeredAtMillis) / 2 };
  };

  return {
    correct,
    now: () => (base ? new Date(base.timeMillis + (monotonicMillis() - base.atMillis)) : clock.now()),
    async ask() {
      const askedAtMillis = monotonicMillis();
      const [row] = await db.query<{ now: Date }>('database_time', 'SELECT clock_timestamp() AS now', []);
      if (row) correct(row.now, askedAtMillis, monotonicMillis());
    },
  };
};
