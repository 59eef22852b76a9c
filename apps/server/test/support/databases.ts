import { describe } from '@jest/globals';
import type { Database } from '../../src/db/database.js';
import { openPristinePglite } from './pristine-pglite.js';
import { openPristinePostgres } from './pristine-postgres.js';

/** URL of a server that tests may make databases on; `null` where there is none. */
export const postgresUrl = (): string | null => process.env.AUTHPIPE_TEST_DATABASE_URL || null;

/**
 * Each statement's name stands for one text: a connection of Postgres prepares it once, and refuses another text under the
 * same name, which no test would meet but by chance.
 */
const withNamesHeldToTheirTexts = (db: Database): Database => {
  const texts = new Map<string, string>();
  const query: Database['query'] = (name, sql, ...rest) => {
    const known = texts.get(name);
    if (known !== undefined && known !== sql) throw new Error(`The statement "${name}" has two texts.`);
    texts.set(name, sql);
    return db.query(name, sql, ...rest);
  };
  return { ...db, query };
};

/** A fresh database with the whole schema, gone when it is closed. */
export const openTestDatabase = (engine: Database['engine'] = 'pglite'): Promise<Database> => {
  if (engine === 'pglite') return openPristinePglite().then(withNamesHeldToTheirTexts);
  const server = postgresUrl();
  if (server === null) throw new Error('Set AUTHPIPE_TEST_DATABASE_URL to test on a real Postgres.');
  return openPristinePostgres(server).then(withNamesHeldToTheirTexts);
};

/** Runs a suite on the embedded database, and on a real Postgres where there is one. */
export const describeEachEngine = (
  name: string,
  suite: (open: () => Promise<Database>, engine: Database['engine']) => void,
): void => {
  describe(`${name}, on PGlite`, () => suite(() => openTestDatabase('pglite'), 'pglite'));
  if (postgresUrl() === null) {
    process.stderr.write(`NOTICE: "${name}" runs on PGlite only: AUTHPIPE_TEST_DATABASE_URL is not set.\n`);
    return;
  }
  describe(`${name}, on Postgres`, () => suite(() => openTestDatabase('postgres'), 'postgres'));
};
