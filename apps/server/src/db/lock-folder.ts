import { lock } from 'proper-lockfile';
import { FolderInUseError } from '../errors/folder-in-use-error.js';
import type { Logger } from '../log/logger.js';

/** A lock whose holder stopped renewing it for this long belongs to a process that died. */
const LOCK_STALE_MILLIS = 5_000;
const LOCK_RENEW_MILLIS = 1_000;
const RETRY_MILLIS = 500;
/** Outlasts the lock of a server that was killed a moment ago. */
const RETRIES = 14;

/**
 * Takes the embedded database's folder for this process alone: PGlite itself would let two in, and they would destroy
 * it. The lock is a folder `<folder>.lock`, whose time the holder renews.
 * @returns gives the lock back; more than once does no harm
 * @throws FolderInUseError when another process holds it
 */
export const lockFolder = async (folder: string, log: Logger): Promise<() => Promise<void>> => {
  try {
    const release = await lock(folder, {
      realpath: false,
      lockfilePath: `${folder}.lock`,
      stale: LOCK_STALE_MILLIS,
      update: LOCK_RENEW_MILLIS,
      retries: { retries: RETRIES, minTimeout: RETRY_MILLIS, maxTimeout: RETRY_MILLIS, factor: 1 },
      onCompromised: (error) => {
        log.fatal(
          { err: error },
          'the lock of the embedded database was lost: ending, so that no two processes write to it',
        );
        process.exit(1);
      },
    });
    let released: Promise<void> | undefined;
    return () => {
      released ??= release();
      return released;
    };
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
    if (code !== 'ELOCKED') throw error;
    throw new FolderInUseError(folder, { cause: error });
  }
};
