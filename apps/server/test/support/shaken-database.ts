import type { Database } from '../../src/db/database.js';

/** A database that can be away, as one process sees it, and tells what it was asked. */
export interface ShakenDatabase extends Database {
  /** From now on nothing is answered, or something again. */
  setAway(isAway: boolean): void;
  /** How often a statement was asked for, answered or not. */
  askedFor(statement: string): number;
}

/** Puts an outage between one process and its database; others on the same database see none. */
export const shakenDatabase = (db: Database): ShakenDatabase => {
  const asked = new Map<string, number>();
  let away = false;
  const refuse = (): void => {
    if (away) throw new Error('the database is away');
  };
  return {
    ...db,
    query: async <Row>(statement: string, sql: string, values: readonly unknown[]) => {
      asked.set(statement, (asked.get(statement) ?? 0) + 1);
      refuse();
      return db.query<Row>(statement, sql, values);
    },
    transaction: async (work) => {
      refuse();
      return db.transaction(work);
    },
    setAway: (isAway) => {
      away = isAway;
    },
    askedFor: (statement) => asked.get(statement) ?? 0,
  };
};
