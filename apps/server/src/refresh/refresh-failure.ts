import type { TokenErrorVerdict } from '@authpipe/providers';
import { addSeconds, type Clock } from '../clock.js';
import type { ConnectionRecord } from '../credentials/credential-record.js';
import type { ClaimedCredential, RefreshStore } from '../credentials/refresh-store.js';
import { errorSummary } from '../errors/error-summary.js';
import type { Integrations } from '../integrations/integration-store.js';
import type { Logger } from '../log/logger.js';
import type { OAuth } from '../oauth/oauth.js';
import { TokenRequestError } from '../oauth/token-request-error.js';
import type { Outages } from '../outages/outages.js';
import type { Randomness } from '../randomness.js';
import { deadReason } from './dead-reason.js';
import type { RenewalTarget } from './find-target.js';
import { createJudgeRefusedRenewal } from './refused-renewal.js';
import { renewalVerdict, type TokenSecrets } from './renewal.js';
import {
  ambiguousRetrySeconds,
  backoffSeconds,
  slowRetrySeconds,
  WAKE_SPREAD_SECONDS,
} from './retry-delay.js';
import { graceSecondsOf, mayRotate, unansweredSeconds } from './rotation.js';
import { suspectOf } from './suspect.js';

/**
 * One failure passes unseen: the old token still works, and the next try is seconds away. `degraded` begins with the
 * second in a row, or when there is no living token any more, or when somebody asked for the refresh.
 */
const QUIET_FAILURES = 1;

/** Answers of a gateway that heard nothing of its server. */
const GATEWAY_STATUS: ReadonlySet<number> = new Set([502, 504]);

export interface RefreshFailureDependencies {
  readonly store: Pick<
    RefreshStore,
    'saveRefreshFailure' | 'saveDeadGrant' | 'wakeConnectionsOf' | 'extendLease'
  >;
  readonly integrations: Pick<Integrations, 'markIntegration'>;
  readonly oauth: Pick<OAuth, 'introspect'>;
  readonly outages: Pick<Outages, 'judgeRefusal' | 'judgeSilence' | 'isToldOfIntegration'>;
  /** Where the provider of a connection is asked, as outages are counted. */
  readonly hostOf: (connection: ConnectionRecord) => string;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
}

/** How an attempt came to nothing. */
export interface FailedAttempt {
  readonly secrets: TokenSecrets;
  readonly error: unknown;
  /** Whether the token request had left. */
  readonly hasDeparted: boolean;
  /** Whether a caller waits for the outcome and is told: then the first failure shows at once. */
  readonly isAskedFor: boolean;
  /** Whether the caller can ask once more at once. Default false. */
  readonly mayAskAgain?: boolean;
  /** Whether it was made to see how others do: what is refused then is noted, and nothing follows. Default false. */
  readonly isWitness?: boolean;
}

const NO_ANSWER: TokenErrorVerdict = { outcome: 'transient', reason: 'provider_down', detail: '' };

/**
 * Whether the provider may have replaced the refresh token though no new one arrived: the request left, and there was no
 * answer, or none that says otherwise. A 5xx does not: a gateway may have lost the answer of a server that had done the
 * work, and a server may break after it. Only one that says why, by an OAuth error or (503) by when to come back, refused
 * before it began.
 */
const isUnanswered = (error: TokenRequestError | null, hasDeparted: boolean): boolean => {
  if (!hasDeparted) return false;
  if (error === null || error.status === null) return true;
  const { status, retryAfterSeconds } = error;
  if (status < 300 || GATEWAY_STATUS.has(status)) return true;
  if (status < 500 || (status === 503 && retryAfterSeconds !== null)) return false;
  return !error.saysWhy;
};

/** Whether the provider, or what stands before it, is there and in trouble: to ask it in a hurry makes that worse. */
const isInTrouble = (error: TokenRequestError | null): boolean =>
  error?.status != null && error.status >= 500 && !GATEWAY_STATUS.has(error.status);

/** Writes what a failed attempt means. Whatever the provider did ends in the database, not in an exception. */
export const createSaveFailure = (dependencies: RefreshFailureDependencies) => {
  const { store, integrations, outages, hostOf, clock, randomness, log } = dependencies;
  const judgeRefusedRenewal = createJudgeRefusedRenewal(dependencies);
  const later = (seconds: number): Date => addSeconds(clock.now(), seconds);

  return async (
    claimed: ClaimedCredential,
    { target, integration }: RenewalTarget,
    { error, secrets, hasDeparted, isAskedFor, mayAskAgain = false, isWitness = false }: FailedAttempt,
  ): Promise<'ask_again' | 'written'> => {
    const { connection, refreshFailures } = claimed;
    const known = error instanceof TokenRequestError ? error : null;
    if (!known) log.error({ connectionId: connection.id, error: errorSummary(error) }, 'refresh broke off');
    const verdict = known ? renewalVerdict(known.verdict, secrets) : NO_ANSWER;
    const { outcome } = verdict;
    log.info({ connectionId: connection.id, outcome, reason: verdict.reason }, 'refresh failed');
    const fraction = randomness.fraction();
    const unanswered = isUnanswered(known, hasDeparted) && mayRotate(target.method, claimed);
    // An answer says that nothing was rotated; what an earlier attempt left open stays open.
    const forgetIntent = !unanswered && claimed.refreshIntentAt === null;

    switch (outcome) {
      case 'reconnect': {
        const reason = deadReason(verdict, claimed, target.method, clock.now());
        const given = { target, secrets, reason, isAskedFor, mayAskAgain, isWitness };
        const refused = await judgeRefusedRenewal(claimed, given);
        if (refused.is === 'again') return 'ask_again';
        if (refused.is === 'dead') await store.saveDeadGrant(claimed, reason);
        else {
          await store.saveRefreshFailure(claimed, {
            refreshAt: later(
              refused.is === 'later' ? refused.retrySeconds * (1 + fraction) : slowRetrySeconds(fraction),
            ),
            reason: null,
            forgetIntent,
            isAttempt: true,
            answer: { is: 'refused', host: hostOf(connection) },
          });
        }
        return 'written';
      }
      case 'integration':
      case 'configuration': {
        const reason =
          verdict.reason ?? (outcome === 'integration' ? 'client_secret_invalid' : 'configuration');
        const retryAt = later(slowRetrySeconds(fraction));
        // Of a refused client the integration is told, and not each of its many connections.
        const isTold =
          outcome === 'integration'
            ? await outages.isToldOfIntegration(integration?.rowId ?? null)
            : isWitness ||
              (await outages.judgeRefusal(suspectOf(claimed, hostOf), reason, 'renewal')) === 'held';
        await store.saveRefreshFailure(claimed, {
          ...{ refreshAt: retryAt, reason: isTold ? null : reason, forgetIntent, isAttempt: true },
          // A refused client is the integration's; all else may be everybody's.
          ...(outcome === 'integration' ? {} : { answer: { is: 'refused', host: hostOf(connection) } }),
        });
        if (outcome === 'integration' && integration) {
          const noted = await integrations.markIntegration(
            integration,
            { status: 'degraded', reason, retryAt },
            clock.now(),
          );
          // Those that had failed were woken by the change; this one failed after it.
          if (noted === 'outdated') await store.wakeConnectionsOf(integration.rowId, WAKE_SPREAD_SECONDS);
        }
        return 'written';
      }
      default: {
        const usual = backoffSeconds(refreshFailures, known?.retryAfterSeconds ?? null, fraction);
        // Also where an earlier answer is missing: whatever this one says, the grace of that one runs out.
        const since = unansweredSeconds(claimed, clock.now()) ?? (unanswered ? 0 : null);
        const mayHurry = since !== null && mayRotate(target.method, claimed) && known?.status !== 429;
        const graceSeconds = graceSecondsOf(target.method);
        const soon = mayHurry
          ? ambiguousRetrySeconds({
              ...{ sinceFirstUseSeconds: since, graceSeconds, fraction },
              usualSeconds: isInTrouble(known) ? usual : 0,
            })
          : null;
        const hasEnded = claimed.expiresAt !== null && claimed.expiresAt <= clock.now();
        const isQuiet = refreshFailures < QUIET_FAILURES && !hasEnded && !isAskedFor;
        const isHeld = isQuiet || (await outages.judgeSilence(suspectOf(claimed, hostOf))) === 'held';
        await store.saveRefreshFailure(claimed, {
          refreshAt: later(soon === null ? usual : Math.min(soon, usual)),
          reason: isHeld ? null : (verdict.reason ?? 'provider_down'),
          forgetIntent,
          isAttempt: true,
          // A limit is one caller's, and no outage.
          ...(known?.status === 429 ? {} : { answer: { is: 'away', host: hostOf(connection) } }),
        });
        return 'written';
      }
    }
  };
};

export type SaveFailure = ReturnType<typeof createSaveFailure>;
