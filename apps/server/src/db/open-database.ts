import type { Logger } from '../log/logger.js';
import { applyMigrations } from './apply-migrations.js';
import type { Database } from './database.js';
import { openEmbedded } from './embedded.js';
import { openPostgres } from './postgres.js';

/** Where the database is: a URL, or else the embedded one in the data folder. */
export interface DatabaseOptions {
  readonly databaseUrl?: string | undefined;
  readonly dataDir: string;
  readonly log: Logger;
}

/**
 * Opens the database and brings its schema up to date.
 * @throws StartError with a sentence that says what to do
 */
export const openDatabase = async ({ databaseUrl, dataDir, log }: DatabaseOptions): Promise<Database> => {
  const db =
    databaseUrl === undefined ? await openEmbedded(dataDir, log) : await openPostgres(databaseUrl, log);
  try {
    await applyMigrations(db, log);
    return db;
  } catch (error) {
    await db.close();
    throw error;
  }
};
