import { randomUUID } from 'node:crypto';
import { afterAll } from '@jest/globals';
import pg from 'pg';
import { applyMigrations } from '../../src/db/apply-migrations.js';
import type { Database } from '../../src/db/database.js';
import { openPostgres } from '../../src/db/postgres.js';
import { createLogger } from '../../src/log/logger.js';
import { type Pristine, type Run, rememberPristine, restorePristine } from './pristine.js';

type Kept = { readonly url: string; readonly drop: () => Promise<void>; readonly pristine: Pristine };

const log = createLogger('silent');
const idle: Kept[] = [];

afterAll(async () => {
  for (const { drop } of idle.splice(0)) await drop();
});

const withClient = async <Result>(url: string, work: (run: Run) => Promise<Result>): Promise<Result> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(
      async <Row>(sql: string, values?: unknown[]) => (await client.query(sql, values)).rows as Row[],
    );
  } finally {
    await client.end();
  }
};

/** A new, empty database on the real Postgres; `drop` removes it whoever is connected. */
export const createPostgresDatabase = async (
  server: string,
): Promise<{ url: string; drop: () => Promise<void> }> => {
  const name = `authpipe_test_${randomUUID().replaceAll('-', '')}`;
  await withClient(server, (run) => run(`CREATE DATABASE ${name}`));
  const url = new URL(server);
  url.pathname = `/${name}`;
  const drop = async () => {
    await withClient(server, (run) => run(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  };
  return { url: url.href, drop };
};

const take = async (server: string): Promise<Kept> => {
  for (let kept = idle.pop(); kept; kept = idle.pop()) {
    const { url, pristine } = kept;
    const isRestored = await withClient(url, async (run) => {
      await run(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      );
      return restorePristine(run, pristine);
    });
    if (isRestored) return kept;
    await kept.drop();
  }
  const { url, drop } = await createPostgresDatabase(server);
  const db = await openPostgres(url, log);
  await applyMigrations(db, log);
  await db.close();
  return { url, drop, pristine: await withClient(url, rememberPristine) };
};

/** A fresh database on the real Postgres, with the whole schema. */
export const openPristinePostgres = async (server: string): Promise<Database> => {
  const kept = await take(server);
  const db = await openPostgres(kept.url, log);
  let isOpen = true;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    await db.close();
    idle.push(kept);
  };
  return { ...db, close };
};
