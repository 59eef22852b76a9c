import { addSeconds } from '../../src/clock.js';
import type { CredentialSecrets } from '../../src/credentials/credential-record.js';
import { createModelDatabase, type ModelRow } from './model-database.js';
import {
  createModelClock,
  MODEL_CONNECTION,
  MODEL_ENVIRONMENT,
  type ModelOwner,
  startModelOwner,
} from './model-owner.js';
import { createModelProvider, type ProviderTraits, TOKEN_SECONDS } from './model-provider.js';
import { type Fate, settleTurn } from './model-steps.js';
import { type Omissions, sealOpenly } from './model-store.js';

/** Time moves in pieces shorter than what a heartbeat takes for an outage. */
const LONGEST_PIECE_SECONDS = 2;
/**
 * With less than this left of the grace, nobody can be sure to retry in time: a lease of 15 s that its living owner knows
 * nothing of (the database's answer was lost), a sweep, a retry, the way.
 */
const RETRY_SECONDS = 18;
/** A spool is waited for so long, from when the refresh token was first sent, or could be written again. */
const SPOOL_SECONDS = 60;
/** An outage of so long is seen by every server: one beat at least falls into it, and two are too far apart. */
const SEEN_OUTAGE_SECONDS = 3;
/** After so long without a fault everything has to be well: longer than the longest backoff, and its jitter. */
const CALM_SECONDS = 900;
/** More steps than any process takes before it waits for time to pass. */
const MANY_STEPS = 400;

/** What may happen in a run. Owners are 0 and 1. */
export type Action =
  | { readonly kind: 'step'; readonly owner: number; readonly fate: Fate }
  | { readonly kind: 'sweep' | 'force' | 'crash' | 'restart' | 'freeze' | 'thaw'; readonly owner: number }
  | { readonly kind: 'move'; readonly seconds: number }
  | { readonly kind: 'outage' | 'overload'; readonly on: boolean }
  | { readonly kind: 'reconnect' | 'revoke' };

export interface WorldTraits extends ProviderTraits {
  readonly omit?: Omissions;
  /** Whether the servers that died start again in the end, with what their disks hold. */
  readonly revives: boolean;
  readonly disk: Map<string, string>;
}

/** A promise of the refresh that a run broke. */
export class BrokenPromiseError extends Error {
  override readonly name = 'BrokenPromiseError';
}

const broken = (what: string): BrokenPromiseError => new BrokenPromiseError(what);

interface Server {
  owner: ModelOwner | null;
  lives: number;
  isFrozen: boolean;
  readonly folder: string;
}

/** Two servers, one connection, a provider, and whatever befalls them. */
export const createModelWorld = async ({ disk, omit = {}, revives, ...traits }: WorldTraits) => {
  disk.clear();
  const clock = createModelClock();
  const database = createModelDatabase();
  const provider = createModelProvider(traits, clock);
  let awaySince: Date | null = null;
  /** The end of the last outage that lasted long enough to be seen by everybody. */
  let touchableSince = clock.now();
  const isAway = (): boolean => awaySince !== null;
  const setAway = (away: boolean): void => {
    if (away) awaySince ??= clock.now();
    else if (awaySince && clock.now() >= addSeconds(awaySince, SEEN_OUTAGE_SECONDS))
      touchableSince = clock.now();
    if (!away) awaySince = null;
  };
  /** From when a spool is waited for. */
  const waitFrom = (since: Date): Date => (since > touchableSince ? since : touchableSince);
  /** Families that ended when nobody could hold their successors any more. */
  const excused = new Set<string>();
  /** What was given to a spool: `<folder>/<version>`. */
  const kept = new Set<string>();
  const noteKept = (folder: string, version: number) => void kept.add(`${folder}/${version}`);
  const surroundings = { noteKept, database, provider, clock, isAway, omit };
  const trace: string[] = [];

  const secretsOf = (envelope: string): string => {
    const secrets = JSON.parse(envelope) as CredentialSecrets;
    return 'refreshToken' in secrets ? (secrets.refreshToken ?? '') : '';
  };
  const familyOf = (refreshToken: string): string => refreshToken.split('.')[0] ?? '';

  const row = ((): ModelRow => {
    const { accessToken, refreshToken } = provider.consent();
    return {
      id: MODEL_CONNECTION,
      environment: MODEL_ENVIRONMENT,
      version: 1,
      envelope: Buffer.from(sealOpenly({ kind: 'oauth2', accessToken, refreshToken })).toString('utf8'),
      tokenType: 'Bearer',
      issuedAt: clock.now(),
      expiresAt: addSeconds(clock.now(), TOKEN_SECONDS),
      refreshExpiresAt: null,
      refreshAt: clock.now(),
      expiringAt: null,
      refreshFailures: 0,
      refreshIntentAt: null,
      refreshStoppedAt: null,
      rotates: null,
      scopes: [],
      leaseOwner: null,
      leaseUntil: null,
      leaseNumber: 0,
      status: 'healthy',
      reason: null,
    };
  })();
  database.rows.set(row.id, row);

  const start = (folder: string, life: number): ModelOwner =>
    startModelOwner(surroundings, { id: `node_${folder}_${life}`, folder });
  const servers: Server[] = ['one', 'two'].map((folder) => ({
    owner: start(folder, 1),
    lives: 1,
    isFrozen: false,
    folder,
  }));
  const living = (): ModelOwner[] =>
    servers.flatMap(({ owner, isFrozen }) => (owner && !isFrozen ? [owner] : []));

  const stored = (): string => secretsOf(row.envelope);

  /** What must hold at every moment. */
  const check = (): void => {
    const states = database.events.filter((type) => type.startsWith('connection.'));
    const isDead = (type?: string): boolean => type === 'connection.needs_reconnect';
    if (states.some((type, index) => isDead(type) && isDead(states[index - 1])))
      throw broken('a dead grant was told twice');
    database.written.forEach(({ version }, index) => {
      if (version !== index + 2) throw broken(`an update was lost: version ${version} was written twice`);
    });
    const families = database.written.map(({ envelope }) => familyOf(secretsOf(envelope)));
    if (families.some((family, index) => index > 0 && family < (families[index - 1] ?? '')))
      throw broken('a reconnect was overwritten');
    if (row.status === 'needs_reconnect' && provider.accepts(stored()))
      throw broken('a living grant was called dead');
    const family = familyOf(stored());
    if (!provider.wasReused(family) || excused.has(family)) return;
    // Without introspection, a token whose successor is lost is tried once all hope is gone: nothing is lost by that.
    const { refreshIntentAt } = row;
    const isHopeless =
      refreshIntentAt !== null && clock.now() >= addSeconds(waitFrom(refreshIntentAt), SPOOL_SECONDS);
    if (traits.introspects || !isHopeless) throw broken('a family was ended by reuse');
    excused.add(family);
  };

  const beatAll = (): void => {
    for (const owner of living()) owner.beat();
  };

  const move = async (seconds: number): Promise<void> => {
    for (let left = seconds; left > 0; left -= LONGEST_PIECE_SECONDS) {
      const piece = Math.min(left, LONGEST_PIECE_SECONDS);
      provider.deliverWithin(piece);
      clock.move(piece);
      beatAll();
      await settleTurn();
    }
  };

  const reconnect = (): void => {
    const { accessToken, refreshToken } = provider.consent();
    database.change(
      row,
      {
        version: row.version + 1,
        envelope: Buffer.from(sealOpenly({ kind: 'oauth2', accessToken, refreshToken })).toString('utf8'),
        issuedAt: clock.now(),
        expiresAt: addSeconds(clock.now(), TOKEN_SECONDS),
        refreshAt: addSeconds(clock.now(), TOKEN_SECONDS / 2),
        refreshFailures: 0,
        refreshIntentAt: null,
        rotates: null,
        leaseOwner: null,
        leaseUntil: null,
      },
      { status: 'healthy', reason: null },
    );
  };

  const onServer = (server: Server, action: Extract<Action, { owner: number }>): void => {
    const { owner } = server;
    if (action.kind === 'restart') {
      if (owner) return;
      server.lives += 1;
      server.owner = start(server.folder, server.lives);
      server.isFrozen = false;
      server.owner.beat();
      return;
    }
    if (!owner) return;
    if (action.kind === 'crash') {
      owner.steps.end();
      server.owner = null;
    } else if (action.kind === 'freeze' || action.kind === 'thaw') server.isFrozen = action.kind === 'freeze';
    else if (server.isFrozen) return;
    else if (action.kind === 'sweep') owner.sweep();
    else if (action.kind === 'force') owner.force();
    else if (owner.steps.next() === null) owner.sweep();
    else if (action.kind === 'step') owner.steps.go(action.fate);
  };

  const describe = (action: Action): string => {
    const server = 'owner' in action ? servers[action.owner] : undefined;
    const step = action.kind === 'step' ? ` ${server?.owner?.steps.next() ?? 'sweep'}` : '';
    return `${clock.now().toISOString().slice(14, 23)} ${JSON.stringify(action)}${step}`;
  };

  const act = async (action: Action): Promise<void> => {
    trace.push(describe(action));
    const server = 'owner' in action ? servers[action.owner] : undefined;
    if (server && 'owner' in action) onServer(server, action);
    else if (action.kind === 'move') await move(action.seconds);
    else if (action.kind === 'outage') setAway(action.on);
    else if (action.kind === 'overload') provider.overload(action.on);
    else if (action.kind === 'revoke') provider.revoke(familyOf(stored()));
    else if (action.kind === 'reconnect' && !isAway()) reconnect();
    await settleTurn();
    check();
  };

  /** All processes run on until each waits for time to pass. */
  const runAll = async (): Promise<void> => {
    for (let step = 0; step < MANY_STEPS; step += 1) {
      const owner = living().find(({ steps }) => steps.next() !== null);
      if (!owner) return;
      trace.push(`${clock.now().toISOString().slice(14, 23)} ${owner.id} ${owner.steps.next() ?? ''}`);
      owner.steps.go();
      await settleTurn();
      check();
    }
  };

  /** Whether a server that lives, or will live again, was given the successor to keep. */
  const isKept = (): boolean =>
    servers.some(({ owner, folder }) => (owner || revives) && kept.has(`${folder}/${row.version}`));

  /** Whether somebody who is healthy from now on can still bring the connection home. */
  const isRecoverable = (): boolean => {
    if (row.status === 'needs_reconnect' || provider.hasEnded(familyOf(stored()))) return false;
    const left = provider.secondsLeft(stored());
    if (left === Number.POSITIVE_INFINITY) return true;
    const since = row.refreshIntentAt ?? clock.now();
    // The grace runs from the first use; the servers count it from the intent, which was before.
    const believed = addSeconds(since, traits.graceSeconds - RETRY_SECONDS);
    if (left > 0 && clock.now() <= believed) return true;
    const isWaitedFor = clock.now() < addSeconds(waitFrom(since), SPOOL_SECONDS - RETRY_SECONDS);
    return isKept() && isWaitedFor;
  };

  /** The faults end, a third server runs, and time goes by until all is done that will be done. */
  const calm = async (): Promise<void> => {
    provider.deliverWithin(Number.POSITIVE_INFINITY);
    setAway(false);
    const mustLive = isRecoverable();
    trace.push(`calm: ${mustLive ? 'must live' : 'may be lost'}, ${JSON.stringify(row)}`);
    provider.overload(false);
    for (const server of servers) {
      server.isFrozen = false;
      if (!server.owner && revives) onServer(server, { kind: 'restart', owner: servers.indexOf(server) });
    }
    servers.push({ owner: start('three', 1), lives: 1, isFrozen: false, folder: 'three' });
    const begin = row.version;
    for (let seconds = 0; seconds < CALM_SECONDS; seconds += LONGEST_PIECE_SECONDS) {
      beatAll();
      const isDue = row.refreshAt !== null && row.refreshAt <= clock.now();
      if (isDue) servers[2]?.owner?.sweep();
      await settleTurn();
      await runAll();
      if (row.status === 'needs_reconnect' || (row.version > begin && provider.accepts(stored()))) break;
      await move(LONGEST_PIECE_SECONDS);
    }
    check();
    const isUsable = row.status !== 'needs_reconnect' && row.version > begin && provider.accepts(stored());
    if (mustLive && !isUsable) throw broken('a connection was lost that could be saved');
    const family = familyOf(stored());
    const isRevoked = provider.hasEnded(family) && (!provider.wasReused(family) || excused.has(family));
    const isNamed = row.reason === 'rotation_lost' || (isRevoked && row.reason === 'revoked');
    if (!isUsable && !(row.status === 'needs_reconnect' && isNamed))
      throw broken(`a lost rotation was not named: ${row.status} ${row.reason}`);
    if (row.refreshIntentAt !== null && isUsable) throw broken('an intent stayed open');
  };

  // Servers beat before they do anything else.
  beatAll();
  await settleTurn();
  return { act, calm, trace, row };
};

/** Runs one history to its end. @throws BrokenPromiseError with the history */
export const runHistory = async (traits: WorldTraits, actions: readonly Action[]): Promise<void> => {
  const world = await createModelWorld(traits);
  try {
    for (const action of actions) await world.act(action);
    await world.calm();
  } catch (error) {
    if (!(error instanceof BrokenPromiseError)) throw error;
    throw new BrokenPromiseError(`${error.message}\n${world.trace.join('\n')}`);
  }
};
