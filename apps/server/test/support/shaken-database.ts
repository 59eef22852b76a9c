import type { Database } from '../../src/db/database.js';

/** A database that can be away or stand still, as one process sees it, and tells what it was asked. */
export interface ShakenDatabase extends Database {
  /** From now on nothing is answered, or something again. */
  setAway(isAway: boolean): void;
  /** From now on what is asked is carried out, but only when it hangs no more: a database that stands still. */
  setHanging(isHanging: boolean): void;
  /** How often a statement was asked for, answered or not. */
  askedFor(statement: string): number;
}

/** Puts an outage between one process and its database; others on the same database see none. */
export const shakenDatabase = (db: Database): ShakenDatabase => {
  const asked = new Map<string, number>();
  let away = false;
  let hanging: { readonly over: Promise<void>; end(): void } | null = null;
  const refuse = (): void => {
    if (away) throw new Error('the database is away');
  };
  return {
    ...db,
    query: async <Row>(statement: string, sql: string, values: readonly unknown[]) => {
      asked.set(statement, (asked.get(statement) ?? 0) + 1);
      refuse();
      await hanging?.over;
      return db.query<Row>(statement, sql, values);
    },
    transaction: async (work) => {
      refuse();
      await hanging?.over;
      return db.transaction(work);
    },
    ping: async () => {
      refuse();
      await hanging?.over;
      return db.ping();
    },
    setAway: (isAway) => {
      away = isAway;
    },
    setHanging: (isHanging) => {
      hanging?.end();
      let end = (): void => undefined;
      const over = new Promise<void>((resolve) => {
        end = resolve;
      });
      hanging = isHanging ? { over, end } : null;
    },
    askedFor: (statement) => asked.get(statement) ?? 0,
  };
};
