import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { describe } from '@jest/globals';
import pg from 'pg';
import { applyMigrations, readMigrations } from '../../src/db/apply-migrations.js';
import type { Database } from '../../src/db/database.js';
import { overPglite } from '../../src/db/embedded.js';
import { openPostgres } from '../../src/db/postgres.js';
import { createLogger } from '../../src/log/logger.js';

const log = createLogger('silent');

/** Making a cluster takes seconds; a copy of one takes a tenth. One snapshot for each state of the migrations. */
const snapshotPath = (): string => {
  const checksums = readMigrations().map(({ checksum }) => checksum);
  const name = createHash('sha256').update(checksums.join()).digest('hex');
  return join(tmpdir(), 'authpipe-test-snapshots', `${name}.tar`);
};

const openPglite = async (): Promise<Database> => {
  const path = snapshotPath();
  if (!existsSync(path)) {
    const pglite = await PGlite.create();
    const db = overPglite(pglite);
    await applyMigrations(db, log);
    const dump = await pglite.dumpDataDir('none');
    mkdirSync(join(path, '..'), { recursive: true });
    // Renamed into place, since other test files may do the same now.
    const partial = `${path}.${randomUUID()}`;
    writeFileSync(partial, Buffer.from(await dump.arrayBuffer()));
    renameSync(partial, path);
    return db;
  }
  return overPglite(await PGlite.create({ loadDataDir: new Blob([readFileSync(path)]) }));
};

/** URL of a server that tests may make databases on; `null` where there is none. */
export const postgresUrl = (): string | null => process.env.AUTHPIPE_TEST_DATABASE_URL || null;

/** A new, empty database on the real Postgres; `drop` removes it whoever is connected. */
export const createPostgresDatabase = async (
  server: string,
): Promise<{ url: string; drop: () => Promise<void> }> => {
  const name = `authpipe_test_${randomUUID().replaceAll('-', '')}`;
  const run = async (sql: string) => {
    const client = new pg.Client({ connectionString: server });
    await client.connect();
    await client.query(sql);
    await client.end();
  };
  await run(`CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => run(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
};

const openOnPostgres = async (server: string): Promise<Database> => {
  const { url, drop } = await createPostgresDatabase(server);
  const db = await openPostgres(url, log);
  await applyMigrations(db, log);
  const close = async () => {
    await db.close();
    await drop();
  };
  return { ...db, close };
};

/** A fresh database with the whole schema, gone when it is closed. */
export const openTestDatabase = (engine: Database['engine'] = 'pglite'): Promise<Database> => {
  if (engine === 'pglite') return openPglite();
  const server = postgresUrl();
  if (server === null) throw new Error('Set AUTHPIPE_TEST_DATABASE_URL to test on a real Postgres.');
  return openOnPostgres(server);
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
