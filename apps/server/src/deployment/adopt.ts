import type { Clock } from '../clock.js';
import { systemErrorCode } from '../config/system-error-code.js';
import type { Database } from '../db/database.js';
import { StartError } from '../errors/start-error.js';
import { newId, type Randomness } from '../randomness.js';
import type { Sleep } from '../sleep.js';
import { createDeploymentStore, type Identity } from './deployment-store.js';
import { readFolderMark } from './folder-mark.js';
import { identityFilePath, type Memory, readIdentityFile, writeIdentityFile } from './identity-file.js';
import { judgeIdentity } from './judge-identity.js';
import { slackMillisOf } from './slack.js';
import { waitForOwner } from './wait-for-owner.js';

/** `copy`: the original lives on. `replace`: the original is gone, and this database takes its place. */
export type AdoptionKind = 'copy' | 'replace';

export interface AdoptionDependencies {
  readonly db: Database;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly sleep: Sleep;
  readonly dataDir: string;
  /** `AUTHPIPE_DEPLOYMENT_ID` */
  readonly givenId: string | null;
}

/** What an adoption did. */
export interface Adoption {
  readonly deploymentId: string;
  /** Whose the database was; `null` when it had no identity. */
  readonly formerId: string | null;
  /** Grants issued before are the original's, or to be asked about. */
  readonly before: Date;
  /** OAuth connections with such a grant. */
  readonly connections: number;
  /** Where the identity is remembered, and why it could not be. */
  readonly file: { readonly path: string; readonly fault: string | null };
}

/** A copy gives up every connection: that must not happen to the original, by a command typed at the wrong place. */
const refuseOriginal = async (
  identity: Identity,
  memory: Memory | null,
  { db, clock, sleep, dataDir, givenId }: AdoptionDependencies,
): Promise<void> => {
  const { deploymentId } = identity;
  if (givenId === deploymentId) {
    throw new StartError(
      `AUTHPIPE_DEPLOYMENT_ID is ${deploymentId}, which the original has: give the copy another one, or leave it out for a random one.`,
    );
  }
  const evidence = {
    ...{ identity, givenId, memory, memoryFault: null, rootKeyIds: null },
    folder: db.engine === 'pglite' ? await readFolderMark(dataDir) : null,
    slackMillis: slackMillisOf(db.engine),
  };
  if (judgeIdentity(evidence) === null) {
    throw new StartError(
      `This data folder belongs to the deployment ${deploymentId}, as the database does: as a copy it would give up all connections. If it is one, remove ${identityFilePath(dataDir)} and run this again.`,
    );
  }
  const store = createDeploymentStore({ db });
  if (db.engine === 'postgres' && (await waitForOwner({ store, clock, sleep }))) {
    throw new StartError(
      `A server of the deployment ${deploymentId} runs on this database: as a copy it would give up all connections. Is DATABASE_URL right? If so, stop that server first.`,
    );
  }
};

const keep = async (dataDir: string, known: Memory, randomness: Randomness): Promise<string | null> => {
  try {
    await writeIdentityFile(dataDir, known, randomness);
    return null;
  } catch (error) {
    return systemErrorCode(error);
  }
};

/**
 * Makes a database that was copied or restored this deployment's own. Servers that are frozen on it see it and thaw.
 * @throws StartError when `copy` is said of the original
 */
export const adoptDatabase = async (
  dependencies: AdoptionDependencies,
  kind: AdoptionKind,
): Promise<Adoption> => {
  const { db, clock, randomness, dataDir, givenId } = dependencies;
  const store = createDeploymentStore({ db });
  const { memory } = await readIdentityFile(dataDir);
  const former = await store.findIdentity();
  if (kind === 'copy' && former) await refuseOriginal(former, memory, dependencies);
  const formerId = former?.deploymentId ?? null;
  const kept = kind === 'replace' ? (formerId ?? memory?.deploymentId) : undefined;
  const identity = await store.adopt({
    kind,
    deploymentId: givenId ?? kept ?? newId('dep', randomness),
    now: clock.now(),
    highWater: memory?.highWater ?? 0,
  });
  const before = kind === 'copy' ? identity?.foreignBefore : identity?.verifyBefore;
  if (!identity || !before) throw new Error('the adoption was not written');
  const { deploymentId, highWater } = identity;
  const folder = db.engine === 'pglite' ? await readFolderMark(dataDir) : null;
  return {
    ...{ deploymentId, formerId, before },
    connections: await store.countGrantsBefore(before),
    file: {
      path: identityFilePath(dataDir),
      fault: await keep(dataDir, { deploymentId, highWater, folder }, randomness),
    },
  };
};
