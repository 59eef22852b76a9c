// Databases of a benchmark's own, on a real Postgres.
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const serverFolder = join(import.meta.dirname, '..', '..', 'apps', 'server');
const pg = createRequire(join(serverFolder, 'package.json'))('pg');

/** Makes databases on the server at `adminUrl`; `drop` removes them all, whoever is connected. */
export const createDatabases = (adminUrl) => {
  const made = [];
  const onServer = async (statement) => {
    const client = new pg.Client({ connectionString: adminUrl });
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  };
  return {
    /** A new, empty one: its URL, and one connection to it for the benchmark itself. */
    async create() {
      const name = `authpipe_bench_${randomBytes(8).toString('hex')}`;
      await onServer(`CREATE DATABASE ${name}`);
      const url = Object.assign(new URL(adminUrl), { pathname: `/${name}` }).href;
      const pool = new pg.Pool({ connectionString: url, max: 1 });
      // Broken by the drop, should the benchmark be ended midway.
      pool.on('error', () => {});
      made.push({ name, pool });
      return { url, query: (text, values) => pool.query(text, values) };
    },
    async drop() {
      for (const { name, pool } of made.splice(0)) {
        await pool.end();
        await onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      }
    },
  };
};
