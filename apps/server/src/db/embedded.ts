import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PGlite, types } from '@electric-sql/pglite';
import { PrismaPGlite } from 'pglite-prisma-adapter';
import { lock } from 'proper-lockfile';
import { StartError } from '../errors/start-error.js';
import type { Logger } from '../log/logger.js';
import type { Database } from './database.js';
import { PrismaClient } from './generated/client.js';

/** A lock whose holder stopped renewing it for this long belongs to a process that died. */
const LOCK_STALE_MILLIS = 5_000;
const LOCK_RENEW_MILLIS = 1_000;

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

/** Only one process may have the folder open: PGlite itself would let two in, and they would destroy it. */
const lockFolder = async (folder: string, log: Logger): Promise<() => Promise<void>> => {
  try {
    return await lock(folder, {
      realpath: false,
      lockfilePath: `${folder}.lock`,
      stale: LOCK_STALE_MILLIS,
      update: LOCK_RENEW_MILLIS,
      // Outlasts the lock of a server that was killed a moment ago.
      retries: { retries: 7, minTimeout: 1_000, maxTimeout: 1_000, factor: 1 },
      onCompromised: (error) => {
        log.fatal(
          { err: error },
          'the lock of the embedded database was lost: ending, so that no two processes write to it',
        );
        process.exit(1);
      },
    });
  } catch (error) {
    throw new StartError(
      `The embedded database in ${folder} is open in another process: stop that one, or give this one another AUTHPIPE_DATA_DIR, or use a real Postgres with DATABASE_URL.`,
      { cause: error },
    );
  }
};

/** Making the cluster takes 800 MB, which a child process gives back when it ends. */
const createInChild = (folder: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const here = fileURLToPath(import.meta.url);
    const entry = join(dirname(here), `create-embedded${extname(here)}`);
    const child = spawn(process.execPath, [...process.execArgv, entry, folder], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else
        reject(
          new StartError(
            `The embedded database could not be made in ${folder}: is there space on the disk, and memory?`,
          ),
        );
    });
  });

const makeFolder = (folder: string): void => {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StartError(
      `Authpipe can't write to ${folder}: choose another folder with AUTHPIPE_DATA_DIR, or change its owner.`,
      {
        cause: error,
      },
    );
  }
};

/**
 * Opens the embedded Postgres in a folder, and makes it at first.
 * @throws StartError when another process has it open, or the folder can't be written to
 */
export const openEmbedded = async (dataDir: string, log: Logger): Promise<Database> => {
  makeFolder(dataDir);
  const folder = join(dataDir, 'database');
  const release = await lockFolder(folder, log);
  try {
    if (!existsSync(join(folder, 'PG_VERSION'))) await createInChild(folder);
    return overPglite(await PGlite.create(folder), release);
  } catch (error) {
    await release();
    throw error;
  }
};
