import type { FreezeReason } from './deployment.js';
import type { Identity } from './deployment-store.js';
import { type FolderMark, isCopiedFolder } from './folder-mark.js';
import type { Memory } from './identity-file.js';

/** What a server has to go by. */
export interface Evidence {
  /** What the database says. */
  readonly identity: Identity;
  /** `AUTHPIPE_DEPLOYMENT_ID`: it wins over what is remembered. */
  readonly givenId: string | null;
  /** What this server, or one before it with the same data folder, saw last. */
  readonly memory: Memory | null;
  /** Why what was remembered can't be used. */
  readonly memoryFault: string | null;
  /** Where the embedded database lies now. */
  readonly folder: FolderMark | null;
  /** Fingerprints of the root keys that were given; `null`: not asked. */
  readonly rootKeyIds: readonly string[] | null;
  /** How much a crash of the database may lose without being taken for a restored backup. */
  readonly slackMillis: number;
}

/** Why a database is not this server's to act on. */
export interface Frozen {
  readonly reason: FreezeReason;
  readonly detail: string;
}

const ADOPT =
  'Run `authpipe adopt --copy` when the original lives on, `authpipe adopt --replace` when this database takes its place.';

const own = ({ deploymentId }: Identity): string =>
  `If this server is one of ${deploymentId}, set AUTHPIPE_DEPLOYMENT_ID=${deploymentId}.`;

/** Whether the database is this server's own: `null` when it is, or what speaks against it. */
export const judgeIdentity = ({
  identity,
  givenId,
  memory,
  memoryFault,
  folder,
  rootKeyIds,
  slackMillis,
}: Evidence): Frozen | null => {
  const { deploymentId, rootKeyId, highWater } = identity;
  if (rootKeyIds !== null && rootKeyId !== '' && !rootKeyIds.includes(rootKeyId)) {
    return {
      reason: 'copied',
      detail: `The database belongs to the deployment ${deploymentId}, which has the root key ${rootKeyId}: AUTHPIPE_ENCRYPTION_KEY holds ${rootKeyIds.join(', ')}. ${ADOPT}`,
    };
  }
  if (givenId !== null && givenId !== deploymentId) {
    return {
      reason: 'copied',
      detail: `The database belongs to the deployment ${deploymentId}, and AUTHPIPE_DEPLOYMENT_ID names ${givenId}. ${ADOPT}`,
    };
  }
  if (givenId === null && memory !== null && memory.deploymentId !== deploymentId) {
    return {
      reason: 'copied',
      detail: `The database belongs to the deployment ${deploymentId}, and this server to ${memory.deploymentId}. ${own(identity)} ${ADOPT}`,
    };
  }
  if (givenId === null && memory !== null && isCopiedFolder(memory.folder, folder)) {
    return {
      reason: 'copied',
      detail: `The data folder is a copy of the one of the deployment ${deploymentId}, or a backup of it. ${ADOPT}`,
    };
  }
  if (memory?.deploymentId === deploymentId && highWater < memory.highWater - slackMillis) {
    const [found, known] = [highWater, memory.highWater].map((millis) => new Date(millis).toISOString());
    return {
      reason: 'restored',
      detail: `The database of the deployment ${deploymentId} went back in time: it stands at ${found}, and was at ${known}. Refresh tokens in it may have been used since. ${ADOPT}`,
    };
  }
  if (givenId === null && memory === null) {
    const nothing = memoryFault ?? 'Nothing beside the database says whose it is';
    return {
      reason: 'unknown',
      detail: `${nothing}, and no server of the deployment ${deploymentId} runs on it: it may be a copy. ${own(identity)} Or mount the AUTHPIPE_DATA_DIR that it had. ${ADOPT}`,
    };
  }
  return null;
};
