import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '../../../server/src/db/database.js';
import { openDatabase } from '../../../server/src/db/open-database.js';
import { createLogger } from '../../../server/src/log/logger.js';
import type { RunningDemo } from './running-demo.js';
import type { Place } from './secret-search.js';

/** Works on the demo's database by SQL, as somebody who stole it would. The embedded one lets in one process: it goes down for it. */
export async function withDatabase<Result>(
  demo: RunningDemo,
  work: (db: Database) => Promise<Result>,
): Promise<Result> {
  const { databaseUrl, dataDir } = demo.settings;
  const run = async (): Promise<Result> => {
    const db = await openDatabase({ databaseUrl, dataDir, log: createLogger('silent') });
    try {
      return await work(db);
    } finally {
      await db.close();
    }
  };
  if (databaseUrl !== undefined) return run();
  let result: { value: Result } | undefined;
  await demo.restart(async () => {
    result = { value: await run() };
  });
  if (!result) throw new Error('The server did not go down.');
  return result.value;
}

/** Every row of every table of every schema: bytes raw, in hex (as `pg_dump` writes them) and in base64. */
export async function dumpDatabase(db: Database): Promise<Place[]> {
  const tables = await db.query<{ schema: string; name: string }>(
    'dump-tables',
    `SELECT table_schema AS schema, table_name AS name FROM information_schema.tables
     WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`,
    [],
  );
  const places: Place[] = [];
  for (const { schema, name } of tables) {
    const rows = await db.query<Record<string, unknown>>(
      `dump-${schema}-${name}`,
      `SELECT * FROM "${schema}"."${name}"`,
      [],
    );
    places.push({
      name: `table ${schema}.${name}`,
      text: rows
        .flatMap((row) => Object.values(row))
        .map(textOf)
        .join('\n'),
    });
  }
  return places;
}

/** The files of the embedded database as they lie on the disk: the write-ahead log and rows that were deleted, too. */
export function readDataFolder({ settings }: RunningDemo): Place[] {
  const files = readdirSync(settings.dataDir, { recursive: true, withFileTypes: true });
  return files
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({
      name: `file ${path.slice(settings.dataDir.length)}`,
      text: readFileSync(path, 'latin1'),
    }));
}

function textOf(value: unknown): string {
  if (!(value instanceof Uint8Array)) {
    return typeof value === 'string'
      ? value
      : (JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? String(part) : part)) ?? '');
  }
  const bytes = Buffer.from(value);
  return [bytes.toString('latin1'), bytes.toString('hex'), bytes.toString('base64')].join('\n');
}
