import { addSeconds, type Clock, secondsBetween } from '../clock.js';
import { canBeRenewed, type StoredCredential } from '../credentials/credential-record.js';
import { hasIntrospection, nextProbeAt } from '../credentials/probe-schedule.js';
import type { ProbeOutcome } from '../credentials/probe-store.js';
import { methodOf, type WireContext } from '../credentials/to-wire.js';
import type { Randomness } from '../randomness.js';

/** How soon a suspicion that could not be settled at once is looked at again … */
const SUSPICION_SECONDS = 30;
/** … and later after this part of the time for which it has lasted: others have to be looked at, too. */
const SUSPICION_OF_AGE = 1 / 4;
/** Those that found the provider's limit used up come back spread over this part of the interval. */
const SPREAD_OF_INTERVAL = 1 / 10;

/** When a connection is looked at next, by what a look came to. */
export const createNextLook = ({
  clock,
  randomness,
  wire,
  intervalSeconds,
}: {
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly wire: WireContext;
  readonly intervalSeconds: number;
}) => {
  const usual = (stored: StoredCredential, { result }: ProbeOutcome): Date => {
    const { kind, provider, authMethod, status } = stored.connection;
    const method = methodOf(wire.findProvider(provider), authMethod);
    const isSeenByRefresh = canBeRenewed(stored.secrets) && !hasIntrospection(method);
    const next = nextProbeAt({
      ...{ kind, intervalSeconds, now: clock.now(), fraction: randomness.fraction() },
      isInDoubt: result !== 'ok' && (result !== 'inconclusive' || status !== 'healthy'),
      afterRefreshAt: isSeenByRefresh ? stored.refreshAt : null,
    });
    // A key whose end was told is looked at when it comes.
    const { expiresAt } = stored;
    const isKey = !('accessToken' in stored.secrets);
    return isKey && expiresAt !== null && expiresAt > clock.now() && expiresAt < next ? expiresAt : next;
  };

  /** `null`: of a dead grant nothing is due until it is mended. A suspicion is looked into soon. */
  return (stored: StoredCredential, outcome: ProbeOutcome, putOffUntil?: Date): Date | null => {
    if (stored.connection.status === 'needs_reconnect' && outcome.result !== 'ok') return null;
    const times = [usual(stored, outcome)];
    if (putOffUntil) {
      times.push(addSeconds(putOffUntil, intervalSeconds * SPREAD_OF_INTERVAL * randomness.fraction()));
    }
    if (outcome.result === 'suspected') {
      const { failingSince } = stored;
      const age = failingSince === null ? 0 : secondsBetween(failingSince, clock.now());
      const wait = Math.max(SUSPICION_SECONDS, age * SUSPICION_OF_AGE);
      times.push(addSeconds(clock.now(), wait * (1 + randomness.fraction())));
    }
    return new Date(Math.min(...times.map((time) => time.getTime())));
  };
};
