import type { Clock } from '../clock.js';
import { systemErrorCode } from '../config/system-error-code.js';
import type { Database } from '../db/database.js';
import type { DatabaseProof } from '../db/database-proof.js';
import { errorSummary } from '../errors/error-summary.js';
import { StartError } from '../errors/start-error.js';
import type { Logger } from '../log/logger.js';
import { newId, type Randomness } from '../randomness.js';
import type { Sleep } from '../sleep.js';
import type { Deployment } from './deployment.js';
import { createDeploymentStore, type DeploymentStore, type Identity } from './deployment-store.js';
import { readFolderMark } from './folder-mark.js';
import { type Memory, readIdentityFile, writeIdentityFile } from './identity-file.js';
import { type Evidence, type Frozen, judgeIdentity } from './judge-identity.js';
import { provenanceIn } from './provenance.js';
import { createPulse } from './pulse.js';
import { slackMillisOf } from './slack.js';
import { waitForOwner } from './wait-for-owner.js';

export interface DeploymentDependencies {
  readonly db: Database;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly sleep: Sleep;
  readonly log: Logger;
  /** `AUTHPIPE_DATA_DIR`: the server keeps there, outside the database, what it knows of it. */
  readonly dataDir: string;
  /** Fingerprints of the root keys that opened the vault; the first seals. */
  readonly rootKeyIds: readonly [string, ...string[]];
  /** `AUTHPIPE_DEPLOYMENT_ID` */
  readonly givenId: string | null;
}

const RAISE_MILLIS = 2_000;
const REMEMBER_MILLIS = 10_000;
const WARN_MILLIS = 600_000;

/** Moments are compared whichever way the clock was set meanwhile. */
const isOver = (millis: number, since: Date | null, now: Date): boolean =>
  since === null || Math.abs(now.getTime() - since.getTime()) >= millis;

const memoryOf = ({ deploymentId, highWater }: Identity): Memory => ({
  deploymentId,
  highWater,
  folder: null,
});

/** Finds the identity, or makes it: of servers that start at once, one does, and all of them know that it is new. */
const findOrCreate = async (
  store: DeploymentStore,
  { clock, randomness, rootKeyIds, givenId }: DeploymentDependencies,
  memory: Memory | null,
): Promise<{ identity: Identity; isNew: boolean }> => {
  const found = await store.findIdentity();
  if (found) return { identity: found, isNew: false };
  // A backup from before there were identities has credentials and none: it stands at 0, behind what is remembered.
  await store.createIdentity({
    deploymentId: givenId ?? memory?.deploymentId ?? newId('dep', randomness),
    rootKeyId: rootKeyIds[0],
    highWater: memory?.highWater ?? 0,
    now: clock.now(),
  });
  const made = await store.findIdentity();
  if (made) return { identity: made, isNew: true };
  throw new StartError(
    'The table deployments was emptied while the server started: let one tool at a time change the database, and start again.',
  );
};

/**
 * Finds out whose database this is, before anything in it is acted on: compares the identity in the database with what was
 * given or is remembered in the data folder. In doubt the server is frozen, not ended: what is unexpired is served.
 */
export const openDeployment = async (dependencies: DeploymentDependencies): Promise<Deployment> => {
  const { db, clock, randomness, sleep, log, dataDir, rootKeyIds, givenId } = dependencies;
  const store = createDeploymentStore({ db });
  const folder = db.engine === 'pglite' ? await readFolderMark(dataDir) : null;
  const slackMillis = slackMillisOf(db.engine);
  const read = await readIdentityFile(dataDir);
  const first = await findOrCreate(store, dependencies, read.memory);

  const judge = (found: Identity, memory: Memory | null, memoryFault: string | null = null): Frozen | null =>
    judgeIdentity({
      ...{ identity: found, memory, memoryFault, givenId, folder, rootKeyIds, slackMillis },
    } satisfies Evidence);

  let identity = first.identity;
  let frozen: Frozen | null = null;
  let frozenAt = clock.now();
  let raisedAt: Date | null = null;
  let rememberedAt: Date | null = null;
  let warnedAt: Date | null = null;
  let canRemember = true;
  let hasPulse = createPulse();

  const proofOf = ({ deploymentId, highWater }: Identity): DatabaseProof => ({
    deploymentId,
    atLeast: highWater - slackMillis,
  });

  const remember = async (): Promise<void> => {
    const { deploymentId, highWater } = identity;
    rememberedAt = clock.now();
    try {
      await writeIdentityFile(dataDir, { deploymentId, highWater, folder }, randomness);
      canRemember = true;
    } catch (error) {
      if (!canRemember) return;
      canRemember = false;
      log.warn(
        { dataDir, reason: systemErrorCode(error) },
        `The server can't keep its deployment's identity in AUTHPIPE_DATA_DIR: make the folder writable, so that a restored backup is noticed. Unless AUTHPIPE_DEPLOYMENT_ID is set (to ${deploymentId}), refresh is frozen after the next start.`,
      );
    }
  };

  const warn = (): void => {
    if (!frozen) return;
    warnedAt = clock.now();
    log.warn(
      { reason: frozen.reason, deploymentId: identity.deploymentId },
      `Refresh is frozen. ${frozen.detail}`,
    );
  };

  const freeze = (why: Frozen, found: Identity): void => {
    [frozen, identity, frozenAt, hasPulse] = [why, found, clock.now(), createPulse()];
    warn();
  };

  const accept = async (found: Identity): Promise<void> => {
    if (found.rootKeyId !== rootKeyIds[0]) await store.recordRootKey(found.deploymentId, rootKeyIds[0]);
    [frozen, identity] = [null, found];
    await remember();
  };

  /** Whether an operator adopted the database for its servers. An older adoption came with a copy. */
  const isAdopted = ({ adoptedAt }: Identity): boolean =>
    adoptedAt !== null && adoptedAt >= frozenAt && adoptedAt > (identity.adoptedAt ?? new Date(0));

  const tickOwner = async (now: Date): Promise<void> => {
    if (!isOver(RAISE_MILLIS, raisedAt, now)) return;
    raisedAt = now;
    const { deploymentId } = identity;
    const raised = await store.raiseHighWater({ ...proofOf(identity), now });
    if (raised) {
      identity = raised;
      if (raised.rootKeyId === '') await store.recordRootKey(deploymentId, rootKeyIds[0]);
      if (isOver(REMEMBER_MILLIS, rememberedAt, now)) await remember();
      return;
    }
    const found = await store.findIdentity();
    const why = found
      ? judge(found, memoryOf(identity))
      : ({
          reason: 'restored',
          detail: 'The table deployments was emptied. Start the servers again.',
        } as const);
    if (why) freeze(why, found ?? identity);
  };

  const tickFrozen = async (now: Date, why: Frozen): Promise<void> => {
    const found = await store.findIdentity();
    if (found) {
      const isOwned = why.reason === 'unknown' && hasPulse(found, now);
      if (isAdopted(found) || isOwned) {
        const still = judge(found, memoryOf(found));
        if (still) {
          freeze(still, found);
          return;
        }
        await accept(found);
        const how = isOwned ? 'one of its servers runs on the database' : 'the database was adopted';
        log.info({ deploymentId: found.deploymentId }, `Refresh runs again: ${how}.`);
        return;
      }
    }
    if (isOver(WARN_MILLIS, warnedAt, now)) warn();
  };

  const beat = async (): Promise<void> => {
    const now = clock.now();
    try {
      if (frozen) await tickFrozen(now, frozen);
      else await tickOwner(now);
    } catch (error) {
      log.debug({ error: errorSummary(error) }, "the deployment's identity could not be looked at");
    }
  };

  /** A new replica remembers nothing. The embedded database has one process, and needs no wait. */
  const isJoining = async ({ reason }: Frozen): Promise<boolean> =>
    reason === 'unknown' && db.engine === 'postgres' && (await waitForOwner({ store, clock, sleep }));

  const isKnownNew = first.isNew && read.fault === null;
  const verdict = judge(identity, read.memory ?? (isKnownNew ? memoryOf(identity) : null), read.fault);
  if (verdict === null) await accept(identity);
  else if (await isJoining(verdict)) {
    await accept((await store.findIdentity()) ?? identity);
    log.info(
      { deploymentId: identity.deploymentId },
      'joined the deployment whose servers run on the database',
    );
  } else freeze(verdict, identity);
  if (first.isNew && givenId === null) {
    log.info(
      { deploymentId: identity.deploymentId, dataDir },
      'the database got an identity, which the data folder remembers: keep the folder, or set AUTHPIPE_DEPLOYMENT_ID',
    );
  }

  let beating: Promise<void> | null = null;
  return {
    isFrozen: () => frozen !== null,
    state: () => ({
      deploymentId: identity.deploymentId,
      refresh: frozen ? 'frozen' : 'running',
      reason: frozen?.reason ?? null,
      detail: frozen?.detail ?? null,
    }),
    proof: () => (frozen ? null : proofOf(identity)),
    provenanceOf: (issuedAt) => provenanceIn(identity, issuedAt),
    tick() {
      // One that hangs on the database is not overtaken by the next.
      beating ??= beat().finally(() => {
        beating = null;
      });
      return beating;
    },
    async close() {
      await beating;
      if (frozen) return;
      raisedAt = null;
      await beat();
      if (!frozen) await remember();
    },
  };
};
