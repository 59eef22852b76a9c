import type { StatusReason } from '@authpipe/types';
import { addSeconds, type Clock } from '../clock.js';
import { canBeRenewed, type StoredCredential } from '../credentials/credential-record.js';
import type { CredentialStore } from '../credentials/credential-store.js';
import { nextProbeAt } from '../credentials/probe-schedule.js';
import type { ProbeClaim, ProbeOutcome, ProbeStore } from '../credentials/probe-store.js';
import type { RefreshIfDue } from '../credentials/read-credential.js';
import { methodOf, type WireContext } from '../credentials/to-wire.js';
import type { Randomness } from '../randomness.js';
import type { Look, ProbeCredential } from './probe-credential.js';

/** How soon a suspicion that could not be settled at once is looked at again. */
const SUSPICION_SECONDS = 30;

export interface LookDependencies {
  readonly store: ProbeStore;
  readonly credentials: Pick<CredentialStore, 'openCredential'>;
  readonly probe: ProbeCredential;
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

const isBad = ({ result }: Look): boolean => result === 'dead' || result === 'degraded';

/**
 * One look at one connection, with its outcome written. Bad news needs two agreeing looks: with a refresh token the
 * second is a refresh, which a dead grant refuses; without one it is another probe. Nothing else makes a connection bad,
 * and least of all a provider that does not answer.
 */
export const createLookAtConnection = ({
  store,
  credentials,
  probe,
  refreshIfDue,
  refreshNow,
  clock,
  randomness,
  wire,
  intervalSeconds,
}: LookDependencies) => {
  const open = ({ connectionId, environment }: ProbeClaim) =>
    credentials.openCredential(connectionId, environment);

  const hasEnded = ({ expiresAt }: StoredCredential): boolean =>
    expiresAt !== null && expiresAt <= clock.now();

  const isDead = ({ connection }: StoredCredential): boolean => connection.status === 'needs_reconnect';

  /** Of a dead grant nothing is due until it is mended; a suspicion is looked into soon. */
  const nextAt = (stored: StoredCredential, { result }: ProbeOutcome): Date | null => {
    if (isDead(stored) && result !== 'ok') return null;
    const now = clock.now();
    const { kind } = stored.connection;
    const usual = nextProbeAt({ kind, now, intervalSeconds, fraction: randomness.fraction() });
    const soon = addSeconds(now, SUSPICION_SECONDS);
    return result === 'suspected' && soon < usual ? soon : usual;
  };

  const save = (stored: StoredCredential, outcome: ProbeOutcome): Promise<boolean> => {
    const probed = { connectionId: stored.connection.id, version: stored.version };
    return store.saveProbe(probed, outcome, nextAt(stored, outcome));
  };

  const hasProbes = ({ connection }: StoredCredential): boolean => {
    const method = methodOf(wire.findProvider(connection.provider), connection.authMethod);
    return method !== undefined && method.probes.length > 0;
  };

  /** Only a token known to be fresh tells anything: one that has ended looks like a dead grant. */
  const withFreshToken = async (claim: ProbeClaim, stored: StoredCredential) => {
    const isDue = stored.refreshAt !== null && stored.refreshAt <= clock.now();
    if (!isDue && !hasEnded(stored)) return stored;
    await refreshIfDue(stored, 'wait');
    return open(claim);
  };

  const saveGood = (stored: StoredCredential, look: Look): Promise<boolean> =>
    save(stored, { result: 'ok', by: look.by ?? 'request', mendsDead: !canBeRenewed(stored.secrets) });

  /** What a refresh that was forced says: the grant is dead (written by the refresh), alive, or nothing yet. */
  const confirmByRefresh = async (claim: ProbeClaim, suspected: StoredCredential): Promise<void> => {
    await refreshNow(claim.connectionId, claim.environment);
    const current = await open(claim);
    // No new token and no dead grant: the provider is in trouble, and the suspicion waits for the next look.
    if (!current || isDead(current) || current.version === suspected.version) return;
    const second = await probe(current);
    // The grant lives, so that nobody has to reconnect, even if its new token is refused.
    if (isBad(second)) await save(current, { result: 'degraded', reason: reasonOf(second, current) });
    else if (second.result === 'ok') await saveGood(current, second);
    else await save(current, { result: 'inconclusive' });
  };

  const confirmByProbe = async (stored: StoredCredential, first: Look): Promise<void> => {
    // Somebody's earlier look said the same and was not settled: this is the second one.
    const second = stored.suspectedReason === null ? await probe(stored) : first;
    if (second.result === 'ok') await saveGood(stored, second);
    else if (second.result === 'inconclusive' || hasEnded(stored)) {
      await save(stored, { result: 'suspected', reason: reasonOf(first, stored) });
    } else await save(stored, { result: second.result, reason: reasonOf(second, stored) });
  };

  return async (claim: ProbeClaim): Promise<void> => {
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
    if (hasEnded(stored)) {
      await save(stored, { result: 'inconclusive' });
      return;
    }
    const look = await probe(stored);
    if (look.result === 'ok') await saveGood(stored, look);
    else if (look.result === 'inconclusive') {
      await save(stored, { result: 'inconclusive' });
    } else if (look.result === 'dead' && canBeRenewed(stored.secrets)) {
      await save(stored, { result: 'suspected', reason: reasonOf(look, stored) });
      await confirmByRefresh(claim, stored);
    } else if (isBad(look)) await confirmByProbe(stored, look);
  };
};
