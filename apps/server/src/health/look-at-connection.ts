import type { StatusReason } from '@authpipe/types';
import { isOfWhatItMay } from '../authorization-reasons.js';
import type { Clock } from '../clock.js';
import {
  type ConnectionRecord,
  canBeRenewed,
  type StoredCredential,
} from '../credentials/credential-record.js';
import type { CredentialStore } from '../credentials/credential-store.js';
import type { ProbeClaim, ProbeOutcome, ProbeStore } from '../credentials/probe-store.js';
import type { RefreshIfDue } from '../credentials/read-credential.js';
import { methodOf, providerHostOf, type WireContext } from '../credentials/to-wire.js';
import type { Fault, Heard, Outages, Question } from '../outages/outages.js';
import type { Randomness } from '../randomness.js';
import { createNextLook } from './next-look.js';
import { CLIENT_REASONS, type Look, type ProbeCredential } from './probe-credential.js';

export interface LookDependencies {
  readonly store: ProbeStore;
  readonly credentials: Pick<CredentialStore, 'openCredential'>;
  readonly probe: ProbeCredential;
  readonly outages: Pick<Outages, 'judgeRefusal' | 'judgeSilence' | 'isFailing' | 'isToldOfIntegration'>;
  /** The provider refuses the connection's client: its integration is told of. */
  readonly noteRefusedClient: (connection: ConnectionRecord, reason: StatusReason) => Promise<void>;
  readonly refreshIfDue: RefreshIfDue;
  /** Refreshes though it is not due: the surest word on a grant. */
  readonly refreshNow: (connectionId: string, environment: string) => Promise<void>;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly wire: WireContext;
  /** `AUTHPIPE_PROBE_INTERVAL_SECONDS` */
  readonly intervalSeconds: number;
}

/** A bad verdict in words of the API, whatever the definition leaves open. */
const reasonOf = ({ result, reason }: Look, { secrets }: StoredCredential): StatusReason => {
  if (reason !== null) return reason;
  if (result === 'degraded') return 'configuration';
  return 'accessToken' in secrets ? 'revoked' : 'key_invalid';
};

/** A token that is refused though its grant lives: a setting of whoever refuses it stands in the way. */
const asRefusedLiving = (look: Look): Look =>
  look.result === 'dead'
    ? { ...look, result: 'degraded', reason: 'configuration', failedApi: look.failedApi ?? look.by ?? '' }
    : look;

/** Known of its connection already: another refresh would bring another token that is refused. */
const isRefusedLiving = ({ connection: { status, reason, failedApi } }: StoredCredential): boolean =>
  status === 'degraded' && reason === 'configuration' && failedApi !== null;

const isBad = ({ result }: Look): boolean => result === 'dead' || result === 'degraded';

const isDead = ({ connection }: StoredCredential): boolean => connection.status === 'needs_reconnect';

/**
 * One look at one connection, with its outcome written. Bad news needs two agreeing looks: with a refresh token the
 * second is a refresh, which a dead grant refuses; without one it is another probe. And it has to be the connection's own:
 * where others fail too, it is the provider's or the integration's, and is held back. Nothing else makes a connection bad,
 * and least of all a provider that does not answer.
 */
export const createLookAtConnection = (dependencies: LookDependencies) => {
  const { store, credentials, outages, noteRefusedClient } = dependencies;
  const { refreshIfDue, refreshNow, clock, wire } = dependencies;
  const nextLookAt = createNextLook(dependencies);

  const probe = async (stored: StoredCredential): Promise<Look> => {
    const askedAt = clock.now();
    return { ...(await dependencies.probe(stored)), askedAt };
  };

  const open = ({ connectionId, environment }: ProbeClaim) =>
    credentials.openCredential(connectionId, environment);

  /** A token past its end tells nothing; whether a key has ended is just what is asked. */
  const hasEnded = ({ secrets, expiresAt }: StoredCredential): boolean =>
    'accessToken' in secrets && expiresAt !== null && expiresAt <= clock.now();

  const hostOf = ({ connection }: StoredCredential): string => providerHostOf(connection, wire);

  /** Without a look nothing was asked, and the place of the provider is not to blame. */
  const save = (stored: StoredCredential, outcome: ProbeOutcome, look?: Look): Promise<boolean> => {
    const isAsked = look !== undefined && look.by !== null;
    const { connection, version } = stored;
    const asked = isAsked ? { host: hostOf(stored), askedAt: look.askedAt } : {};
    return store.saveProbe(
      { connectionId: connection.id, version, ...asked },
      outcome,
      nextLookAt(stored, outcome, look?.putOffUntil),
    );
  };

  const hasProbes = ({ connection }: StoredCredential): boolean => {
    const method = methodOf(wire.findProvider(connection.provider), connection.authMethod);
    return method !== undefined && method.probes.length > 0;
  };

  const suspectOf = (stored: StoredCredential) => ({
    connectionId: stored.connection.id,
    environment: stored.connection.environment,
    integrationRowId: stored.connection.integrationRowId,
    host: hostOf(stored),
    hasWorked: stored.workedAt !== null,
  });

  /** Only a token known to be fresh tells anything: one that has ended looks like a dead grant. */
  const withFreshToken = async (claim: ProbeClaim, stored: StoredCredential) => {
    const isDue =
      'accessToken' in stored.secrets && stored.refreshAt !== null && stored.refreshAt <= clock.now();
    if (!isDue && !hasEnded(stored)) return stored;
    await refreshIfDue(stored, 'wait');
    return open(claim);
  };

  const saveGood = (stored: StoredCredential, look: Look): Promise<boolean> => {
    const { secrets, expiresAt } = stored;
    const hasNoEnd = !('accessToken' in secrets) && expiresAt !== null && expiresAt <= clock.now();
    const good = { by: look.by ?? 'request', mendsDead: !canBeRenewed(secrets), hasNoEnd };
    const seen = { isPartial: look.isPartial === true, seesScopes: look.seesScopes === true };
    return save(stored, { result: 'ok', ...good, ...seen }, look);
  };

  const saveNothing = async (stored: StoredCredential, look: Look): Promise<void> => {
    await save(stored, { result: 'inconclusive', isAway: look.isAway === true }, look);
    if (look.isAway === true) await outages.judgeSilence(suspectOf(stored));
  };

  const saveSuspicion = (stored: StoredCredential, look: Look): Promise<boolean> =>
    save(stored, { result: 'suspected', reason: reasonOf(look, stored) }, look);

  const faultOf = (stored: StoredCredential, reason: StatusReason): Promise<Fault> =>
    isDead(stored)
      ? Promise.resolve('own')
      : outages.judgeRefusal(suspectOf(stored), reason, isOfWhatItMay(reason) ? 'rights' : 'token');

  /** Two looks agree. */
  const saveBad = async (
    stored: StoredCredential,
    look: Look,
    result: 'dead' | 'degraded',
  ): Promise<void> => {
    const reason = reasonOf(look, stored);
    if (
      CLIENT_REASONS.has(reason) &&
      (await outages.isToldOfIntegration(stored.connection.integrationRowId))
    ) {
      await noteRefusedClient(stored.connection, reason);
      await save(stored, { result: 'inconclusive' });
      return;
    }
    if (!CLIENT_REASONS.has(reason) && (await faultOf(stored, reason)) === 'held') {
      await saveSuspicion(stored, look);
      return;
    }
    if (result === 'dead') await save(stored, { result, reason }, look);
    else await save(stored, { result, reason, failedApi: look.failedApi, lostScopes: look.lostScopes }, look);
  };

  /** What a refresh that was forced says: the grant is dead (written by the refresh), alive, or nothing yet. */
  const confirmByRefresh = async (claim: ProbeClaim, suspected: StoredCredential): Promise<void> => {
    await refreshNow(claim.connectionId, claim.environment);
    const current = await open(claim);
    // No new token and no dead grant: the provider is in trouble, and the suspicion waits for the next look.
    if (!current || isDead(current) || current.version === suspected.version) return;
    const second = await probe(current);
    // The grant lives, so that nobody has to reconnect, even if its new token is refused.
    if (isBad(second)) await saveBad(current, asRefusedLiving(second), 'degraded');
    else if (second.result === 'ok') await saveGood(current, second);
    else await saveNothing(current, second);
  };

  const confirmByProbe = async (stored: StoredCredential, first: Look): Promise<void> => {
    const reason = reasonOf(first, stored);
    // An earlier look said the same and was not settled: this is the second one.
    const second = stored.suspectedReason === reason ? first : await probe(stored);
    const isOfToken = second.isPartial === true && first.result === 'degraded';
    if (second.result === 'ok' && !isOfToken) await saveGood(stored, second);
    else if (second.result === 'ok' || second.result === 'inconclusive' || hasEnded(stored))
      await saveSuspicion(stored, first);
    else if (reasonOf(second, stored) !== reason) await saveSuspicion(stored, second);
    else await saveBad(stored, second, second.result);
  };

  const settle = async (claim: ProbeClaim, stored: StoredCredential, look: Look): Promise<void> => {
    if (look.result === 'ok') await saveGood(stored, look);
    else if (look.result === 'inconclusive') await saveNothing(stored, look);
    else if (look.result === 'dead' && canBeRenewed(stored.secrets)) {
      if (isRefusedLiving(stored)) return saveBad(stored, asRefusedLiving(look), 'degraded');
      await saveSuspicion(stored, look);
      if (!(await outages.isFailing(suspectOf(stored)))) await confirmByRefresh(claim, stored);
    } else await confirmByProbe(stored, look);
  };

  return {
    async lookAt(claim: ProbeClaim): Promise<void> {
      const found = await open(claim);
      if (!found) return;
      if (!hasProbes(found)) {
        await store.saveProbe({ ...claim, version: found.version }, { result: 'inconclusive' }, null);
        return;
      }
      if (isDead(found) && canBeRenewed(found.secrets)) {
        await refreshNow(claim.connectionId, claim.environment);
        return;
      }
      const stored = await withFreshToken(claim, found);
      if (!stored || (isDead(stored) && !isDead(found))) return;
      if (hasEnded(stored)) await save(stored, { result: 'inconclusive' });
      else await settle(claim, stored, await probe(stored));
    },

    /**
     * Looks at a connection to see how others do: what it finds is noted, and not confirmed.
     */
    async bearWitness(claim: ProbeClaim, question: Question): Promise<Heard> {
      const stored = await open(claim);
      if (!stored || isDead(stored) || hasEnded(stored) || !hasProbes(stored)) return 'nothing';
      const look = await probe(stored);
      const isAnswer = question === 'token' || look.isPartial !== true;
      if (look.result === 'ok') return (await saveGood(stored, look)) && isAnswer ? 'an_answer' : 'nothing';
      if (isBad(look)) return (await saveSuspicion(stored, look)) ? 'an_answer' : 'nothing';
      await save(stored, { result: 'inconclusive', isAway: look.isAway === true }, look);
      return look.isAway === true ? 'an_answer' : 'nothing';
    },
  };
};
