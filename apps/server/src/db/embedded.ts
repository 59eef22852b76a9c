import { existsSync, mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PGlite, types } from '@electric-sql/pglite';
import { PrismaPGlite } from 'pglite-prisma-adapter';
import { StartError } from '../errors/start-error.js';
import type { Logger } from '../log/logger.js';
import { createCluster, removeUnfinishedClusters } from './create-cluster.js';
import type { Database } from './database.js';
import { PrismaClient } from './generated/client.js';
import { lockFolder } from './lock-folder.js';

const INT8_AS_NUMBER = { [types.INT8]: Number };

/** The Database over an open PGlite. */
export const overPglite = (pglite: PGlite, onClose: () => Promise<void> = async () => {}): Database => {
  const prisma = new PrismaClient({ adapter: new PrismaPGlite(pglite) });
  return {
    engine: 'pglite',
    prisma,
    query: async <Row>(_name: string, sql: string, values: readonly unknown[]) => {
      const { rows } = await pglite.query<Row>(sql, [...values], { parsers: INT8_AS_NUMBER });
      return rows;
    },
    transaction: (work) => prisma.$transaction(work),
    driver: { kind: 'pglite', pglite },
    ping: async () => {
      await pglite.query('SELECT 1');
    },
    close: async () => {
      await prisma.$disconnect();
      if (!pglite.closed) await pglite.close();
      await onClose();
    },
  };
};

/** Makes the folder, for its owner alone, and tries a write: mode bits don't tell of a read-only disk. */
const makeFolder = (folder: string): void => {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    rmdirSync(mkdtempSync(join(folder, 'write-')));
  } catch (error) {
    throw new StartError(
      `Authpipe can't write to ${folder}: choose another folder with AUTHPIPE_DATA_DIR, or change its owner.`,
      { cause: error },
    );
  }
};

const openCluster = async (folder: string): Promise<PGlite> => {
  try {
    return await PGlite.create(folder);
  } catch (error) {
    throw new StartError(
      `The embedded database in ${folder} can't be opened: it is damaged, or of another version. Put a backup in its place, or move it away to start with an empty one.`,
      { cause: error },
    );
  }
};

/** @throws StartError where there is no embedded database, for those who would only look into it */
export const requireEmbedded = (dataDir: string): void => {
  const parent = resolve(dataDir);
  if (existsSync(join(parent, 'database', 'PG_VERSION'))) return;
  throw new StartError(
    `There is no database in ${parent}: set DATABASE_URL to the server's, or AUTHPIPE_DATA_DIR to its folder.`,
  );
};

/**
 * Opens the embedded Postgres in `<dataDir>/database`, and makes it at first. One process at a time: after a crash of
 * its holder it opens within seven seconds.
 * @throws StartError when another process has it open, when the folder can't be written to, or when it is damaged
 */
export const openEmbedded = async (dataDir: string, log: Logger): Promise<Database> => {
  const parent = resolve(dataDir);
  makeFolder(parent);
  const folder = join(parent, 'database');
  const release = await lockFolder(folder, log);
  try {
    removeUnfinishedClusters(folder);
    if (!existsSync(join(folder, 'PG_VERSION'))) await createCluster(folder);
    return overPglite(await openCluster(folder), release);
  } catch (error) {
    await release();
    throw error;
  }
};
