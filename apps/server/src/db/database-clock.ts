import type { Clock } from '../clock.js';
import type { Database } from './database.js';

/** Milliseconds that only ever grow, from any start, also while the machine sleeps: `steady-millis.ts`. */
export type MonotonicMillis = () => number;

/** The database's clock, read on this machine. */
export interface DatabaseClock extends Clock {
  /** Tells what the database's clock said between two moments of `monotonicMillis`. */
  correct(databaseTime: Date, askedAtMillis: number, answeredAtMillis: number): void;
  /** Asks the database. @throws when it does not answer; the clock goes on from what it knew */
  ask(): Promise<void>;
}

/** A machine's steady counter runs this much too fast or too slow at most. */
const DRIFT = 500e-6;

/** What the database's clock said, and how wrong that may be. */
interface Reading {
  readonly timeMillis: number;
  readonly atMillis: number;
  readonly uncertaintyMillis: number;
}

/**
 * The one clock of all replicas: the database's, carried on by this machine's steady counter from one look to the next.
 * A machine whose own clock is wrong, or is set while it runs, reckons like all others. Of all looks the one holds that
 * took the shortest: a database that is slow to answer says little about the time. The embedded database has this
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
  let base: Reading | null = null;

  const carriedTo = ({ timeMillis, atMillis }: Reading, nowMillis: number): number =>
    timeMillis + (nowMillis - atMillis);

  /** Whether a look says more than what is known, or something else: then the database's clock was set. */
  const isBetter = (look: Reading, known: Reading): boolean => {
    const elapsedMillis = look.atMillis - known.atMillis;
    const uncertaintyMillis = known.uncertaintyMillis + elapsedMillis * DRIFT;
    if (look.uncertaintyMillis <= uncertaintyMillis) return true;
    const differenceMillis = Math.abs(look.timeMillis - carriedTo(known, look.atMillis));
    return differenceMillis > look.uncertaintyMillis + uncertaintyMillis;
  };

  const correct: DatabaseClock['correct'] = (databaseTime, askedAtMillis, answeredAtMillis) => {
    if (db.engine === 'pglite') return;
    // Somewhere between question and answer: the middle is wrong by half of the trip at most.
    const look = {
      timeMillis: databaseTime.getTime(),
      atMillis: (askedAtMillis + answeredAtMillis) / 2,
      uncertaintyMillis: (answeredAtMillis - askedAtMillis) / 2,
    };
    if (base === null || isBetter(look, base)) base = look;
  };

  return {
    correct,
    now: () => (base ? new Date(carriedTo(base, monotonicMillis())) : clock.now()),
    async ask() {
      const askedAtMillis = monotonicMillis();
      const [row] = await db.query<{ now: Date }>('database_time', 'SELECT clock_timestamp() AS now', []);
      if (row) correct(row.now, askedAtMillis, monotonicMillis());
    },
  };
};
