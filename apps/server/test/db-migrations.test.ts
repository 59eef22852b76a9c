import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { applyMigrations, readMigrations, statementsOf } from '../src/db/apply-migrations.js';
import type { Database } from '../src/db/database.js';
import { openPostgres } from '../src/db/postgres.js';
import { createLogger } from '../src/log/logger.js';
import { describeEachEngine, postgresUrl } from './support/databases.js';
import { createPostgresDatabase } from './support/pristine-postgres.js';

const log = createLogger('silent');

describeEachEngine('migrations', (open) => {
  let db: Database;
  beforeAll(async () => {
    db = await open();
  });
  afterAll(() => db.close());

  it('are applied once', async () => {
    expect(await applyMigrations(db, log)).toEqual([]);
  });

  it('are recorded as Prisma records them', async () => {
    const rows = await db.query<{ migration_name: string; checksum: string; applied_steps_count: number }>(
      'history',
      'SELECT migration_name, checksum, applied_steps_count FROM _prisma_migrations ORDER BY 1',
      [],
    );
    expect(rows).toEqual(
      readMigrations().map(({ name, checksum }) => ({
        migration_name: name,
        checksum,
        applied_steps_count: 1,
      })),
    );
  });

  it('stop the start when the database has one that this version does not know', async () => {
    const [first] = readMigrations();
    await expect(applyMigrations(db, log, [])).rejects.toThrow(
      `${first?.name}, which this version does not know`,
    );
  });

  it('stop the start when a file was changed after it was applied', async () => {
    const changed = readMigrations().map((migration) => ({ ...migration, checksum: 'other' }));
    await expect(applyMigrations(db, log, changed)).rejects.toThrow('Install @authpipe/server again');
  });

  it('leave nothing behind when one fails', async () => {
    const broken = {
      name: '29990101000000_broken',
      checksum: 'x',
      sql: 'CREATE TABLE half_done (id int);\nSELECT nonsense;',
    };
    await expect(applyMigrations(db, log, [...readMigrations(), broken])).rejects.toThrow();
    const [row] = await db.query<{ found: string | null }>(
      'half',
      "SELECT to_regclass('half_done')::text AS found",
      [],
    );
    expect(row?.found).toBeNull();
    expect(await applyMigrations(db, log)).toEqual([]);
  });

  it('give equal shapes of rows on both engines', async () => {
    const [row] = await db.query<Record<string, unknown>>(
      'shapes',
      'SELECT $1::timestamptz AS t, $2::bytea AS b, $3::jsonb AS j, $4::text[] AS a, 9007199254740991::int8 AS n, NULL::text AS z',
      [
        new Date('2026-01-02T03:04:05.678Z'),
        new Uint8Array([0, 255]),
        JSON.stringify({ a: [1] }),
        ['x', 'y"z'],
      ],
    );
    expect(row?.t).toEqual(new Date('2026-01-02T03:04:05.678Z'));
    expect(Array.from((row?.b ?? []) as Uint8Array)).toEqual([0, 255]);
    expect(row).toMatchObject({ j: { a: [1] }, a: ['x', 'y"z'], n: 9_007_199_254_740_991, z: null });
  });
});

describe('statements of a migration', () => {
  it('are split where a line ends with a semicolon', () => {
    expect(statementsOf('-- a comment;\nCREATE TABLE a (\n  id int\n);\n\nSELECT 1;\n')).toEqual([
      'CREATE TABLE a (\n  id int\n)',
      'SELECT 1',
    ]);
  });

  it('hold the bodies of functions whole', () => {
    const body = 'CREATE FUNCTION f() AS $$\nBEGIN\n  RETURN 1;\nEND $$';
    expect(statementsOf(`${body};\nSELECT 1;`)).toEqual([body, 'SELECT 1']);
  });
});

const server = postgresUrl();
if (server) {
  describe('two servers that start at once', () => {
    it('apply the migrations once between them', async () => {
      const { url, drop } = await createPostgresDatabase(server);
      const servers = await Promise.all([openPostgres(url, log), openPostgres(url, log)]);
      const applied = await Promise.all(servers.map((db) => applyMigrations(db, log)));
      expect(applied.flat()).toEqual(readMigrations().map(({ name }) => name));
      await Promise.all(servers.map((db) => db.close()));
      await drop();
    });
  });
}
