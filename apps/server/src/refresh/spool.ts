import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type {
  KeptOutcome,
  RefreshedCredential,
  RefreshFence,
  RefreshStore,
} from '../credentials/refresh-store.js';
import { errorSummary } from '../errors/error-summary.js';
import type { Logger } from '../log/logger.js';

const time = z.coerce.date();

/** A file of the spool. Its tokens are sealed by the vault: whoever reads the file learns none. */
const keptAnswer = z.object({
  connectionId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  version: z.int().min(1),
  leaseNumber: z.int(),
  envelope: z.base64(),
  tokenType: z.string(),
  issuedAt: time,
  expiresAt: time.nullable(),
  refreshExpiresAt: time.nullable(),
  refreshAt: time.nullable(),
  expiringAt: time.nullable(),
  rotates: z.boolean(),
  scopes: z.array(z.string()),
  // Absent from files of earlier versions.
  invalidatesPrevious: z.boolean().default(false),
});

/** A token answer that could not be written when it came. */
export interface KeptAnswer {
  readonly fence: RefreshFence;
  readonly refreshed: RefreshedCredential;
}

/** Token answers that wait for the database. */
export interface Spool {
  /**
   * Keeps an answer in memory, and in a file that survives this process: written and synced before this resolves. Never
   * rejects: where the disk refuses, memory alone keeps it, and the log says so.
   */
  keep(answer: KeptAnswer): Promise<void>;
  /** The answer to the refresh of a connection at this version, also one that an earlier process left. Never rejects. */
  find(refreshed: Pick<RefreshFence, 'connection' | 'version'>): Promise<KeptAnswer | null>;
  /** Writes an answer into the database if it may, and forgets it when that is settled. @throws when the database is away */
  settle(answer: KeptAnswer): Promise<KeptOutcome>;
  /** Settles all that is kept, also what an earlier process left behind. Never rejects. Resolves with how many are left. */
  drain(): Promise<number>;
}

const fileOf = ({ connection, version }: Pick<RefreshFence, 'connection' | 'version'>): string =>
  `${connection.id}.${version}.json`;
const nameOf = ({ fence }: KeptAnswer): string => fileOf(fence);
const UNFINISHED = '.unfinished';

const serialize = ({ fence, refreshed }: KeptAnswer): string =>
  JSON.stringify({
    ...refreshed,
    connectionId: fence.connection.id,
    version: fence.version,
    leaseNumber: fence.leaseNumber,
    envelope: Buffer.from(refreshed.envelope).toString('base64'),
  });

const parse = (text: string): KeptAnswer => {
  const { connectionId, version, leaseNumber, envelope, ...rest } = keptAnswer.parse(JSON.parse(text));
  return {
    fence: { connection: { id: connectionId }, version, leaseNumber },
    refreshed: { ...rest, envelope: Buffer.from(envelope, 'base64') },
  };
};

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** The spool in a folder of its own; several servers may share a data folder, since answers are told apart by their names. */
export const createSpool = ({
  folder,
  store,
  log,
}: {
  readonly folder: string;
  readonly store: Pick<RefreshStore, 'saveKept'>;
  readonly log: Logger;
}): Spool => {
  const kept = new Map<string, KeptAnswer>();
  let reading: Promise<void> | null = null;
  let draining: Promise<number> | null = null;

  const write = async (answer: KeptAnswer): Promise<void> => {
    const path = join(folder, nameOf(answer));
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = await open(`${path}${UNFINISHED}`, 'w', 0o600);
    try {
      await file.writeFile(serialize(answer));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}${UNFINISHED}`, path);
    await syncFolder(folder);
  };

  /** What an earlier process left. A file that can't be read stays where it is, for a person to look at. */
  const readLeftovers = async (): Promise<void> => {
    const names = await readdir(folder).catch(() => []);
    for (const name of names.filter((candidate) => candidate.endsWith('.json'))) {
      try {
        const answer = parse(await readFile(join(folder, name), 'utf8'));
        if (!kept.has(name)) kept.set(name, answer);
      } catch (error) {
        log.error({ file: name, error: errorSummary(error) }, 'a kept token answer can not be read');
      }
    }
  };
  const readOnce = (): Promise<void> => {
    reading ??= readLeftovers();
    return reading;
  };

  const forget = async (answer: KeptAnswer): Promise<void> => {
    kept.delete(nameOf(answer));
    await rm(join(folder, nameOf(answer)), { force: true }).catch(() => undefined);
  };

  const settle = async (answer: KeptAnswer): Promise<KeptOutcome> => {
    const outcome = await store.saveKept(answer.fence, answer.refreshed);
    if (outcome === 'held') return outcome;
    await forget(answer);
    log.info({ connectionId: answer.fence.connection.id, outcome }, 'a kept token answer is settled');
    return outcome;
  };

  const drainOnce = async (): Promise<number> => {
    await readOnce();
    for (const [name, answer] of [...kept]) {
      try {
        await settle(answer);
      } catch {
        // The database is away still: the next beat tries again, and begins with another one, should it be only this that
        // the database does not take.
        kept.delete(name);
        kept.set(name, answer);
        break;
      }
    }
    return kept.size;
  };

  return {
    async keep(answer) {
      kept.set(nameOf(answer), answer);
      await write(answer).catch((error: unknown) => {
        const connectionId = answer.fence.connection.id;
        log.error({ connectionId, error: errorSummary(error) }, 'a token answer is kept in memory alone');
      });
    },
    async find(refreshed) {
      await readOnce();
      return kept.get(fileOf(refreshed)) ?? null;
    },
    settle,
    drain() {
      draining ??= drainOnce().finally(() => {
        draining = null;
      });
      return draining;
    },
  };
};
