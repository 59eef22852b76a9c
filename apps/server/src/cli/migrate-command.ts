import { readMigrations } from '../db/apply-migrations.js';
import type { Database } from '../db/database.js';
import { type WriteLine, writeNote as writeToStderr } from './write-line.js';

/** `authpipe migrate`: opening the database has applied what was missing, so this only tells. */
export const runMigrateCommand = async ({
  db,
  writeNote = writeToStderr,
}: {
  readonly db: Database;
  readonly writeNote?: WriteLine;
}): Promise<void> => {
  const last = readMigrations().at(-1)?.name ?? 'none';
  const engine = db.engine === 'pglite' ? 'embedded database' : 'database';
  writeNote(`The schema of the ${engine} is up to date (last migration: ${last}).`);
};
