import { addSeconds, type Clock } from '../clock.js';
import type { ConnectionRecord } from '../credentials/credential-record.js';
import type { CredentialStore } from '../credentials/credential-store.js';
import type { ClaimedCredential, RefreshClaim, RefreshStore } from '../credentials/refresh-store.js';
import type { MonotonicMillis } from '../db/database-clock.js';
import type { Nodes } from '../db/nodes.js';
import { errorSummary } from '../errors/error-summary.js';
import type { Integrations } from '../integrations/integration-store.js';
import type { Logger } from '../log/logger.js';
import { createDpopKey, type DpopKey } from '../oauth/dpop-key.js';
import type { OAuth, Renewal, TokenGrant } from '../oauth/oauth.js';
import { TokenRequestError } from '../oauth/token-request-error.js';
import type { Outages } from '../outages/outages.js';
import type { Randomness } from '../randomness.js';
import type { Sleep } from '../sleep.js';
import { endpointKeyOf, type FindTarget, type RenewalTarget } from './find-target.js';
import { createJudgeToken, type Judgement, type ProvenanceOf } from './judge-token.js';
import { trackLeave } from './leave-to-send.js';
import { createSaveFailure } from './refresh-failure.js';
import { renewalKey, renewalOf, type TokenSecrets } from './renewal.js';

import { lifetimeOf, renewedCredential } from './renewed-credential.js';
import { slowRetrySeconds, WAKE_SPREAD_SECONDS } from './retry-delay.js';

import { rotationStanding } from './rotation.js';
import { isRowFault } from './row-fault.js';
import { createSaveAnswer } from './save-answer.js';
import type { KeptAnswer, Spool } from './spool.js';
import { suspectOf } from './suspect.js';
import type { TokenEndpointGate } from './token-endpoint-gate.js';

/** A request that was ready too late is made anew on the connection that now stands. */
const SEND_ATTEMPTS = 3;
/** An answer that the database did not take is tried again after this time, should it be only this that it does not take. */
const SETTLE_AGAIN_SECONDS = 5;

export interface RefreshClaimedDependencies {
  readonly store: RefreshStore;
  readonly credentials: Pick<CredentialStore, 'openCredential'>;
  readonly integrations: Pick<Integrations, 'markIntegration' | 'takeClientTrial' | 'learnLifetime'>;
  readonly oauth: Pick<OAuth, 'renew' | 'revoke' | 'introspect'>;
  readonly findTarget: FindTarget;
  readonly gate: TokenEndpointGate;
  readonly spool: Spool;
  readonly provenanceOf: ProvenanceOf;
  /** Whether a grant, by when it was issued, is this server's to end at the provider. */
  readonly mayRevoke: (issuedAt: Date) => boolean;
  readonly outages: Pick<Outages, 'judgeRefusal' | 'judgeSilence' | 'isToldOfIntegration'>;
  /** Where the provider of a connection is asked, as outages are counted. */
  readonly hostOf: (connection: ConnectionRecord) => string;
  readonly inTouchSince: Nodes['inTouchSince'];
  readonly allowLoopback: boolean;
  readonly clock: Clock;
  readonly monotonicMillis: MonotonicMillis;
  /** The machine's own clock. */
  readonly wallMillis: () => number;
  readonly randomness: Randomness;
  readonly sleep: Sleep;
  readonly log: Logger;
  readonly isStopping: () => boolean;
}

/**
 * Who wants the refresh: the schedule alone; a reader; whoever wants the provider's word now, due or not (`force`); or a
 * caller who wants it too and is told the outcome; or another connection that is refused (`witness`).
 */
export type RefreshWish = 'schedule' | 'reader' | 'force' | 'caller' | 'witness';

/** What all steps of one refresh look at. */
interface Attempt {
  readonly claimed: ClaimedCredential;
  readonly secrets: TokenSecrets;
  readonly renewal: Renewal;
  /** The connection's own key, where its tokens are bound to one. */
  readonly dpopKey: DpopKey | undefined;
  readonly found: RenewalTarget;
  readonly wish: RefreshWish;
}

/**
 * Refreshes one connection that this process has claimed: read again, record the intent, ask, write if version and lease
 * are still ours. Whatever the provider does ends in the database, not in an exception.
 */
export const createRefreshClaimed = (dependencies: RefreshClaimedDependencies) => {
  const { store, credentials, integrations, oauth, findTarget, gate, spool, provenanceOf, mayRevoke } =
    dependencies;
  const { outages, hostOf, allowLoopback, clock, randomness, log, isStopping } = dependencies;
  const saveFailure = createSaveFailure(dependencies);
  const save = createSaveAnswer(dependencies);

  const hasEnded = ({ expiresAt }: ClaimedCredential): boolean =>
    expiresAt !== null && expiresAt <= clock.now();

  /** Not tried, and not counted as a failure. */
  const putOff = (
    claimed: ClaimedCredential,
    refreshAt: Date,
    reason: Parameters<RefreshStore['saveRefreshFailure']>[1]['reason'] = null,
  ): Promise<boolean> =>
    store.saveRefreshFailure(claimed, { refreshAt, reason, forgetIntent: false, isAttempt: false });

  const judge = createJudgeToken({ ...dependencies, saveFailure, putOff });

  /** Another deployment's grant is left alone; its access token is served to its end. */
  const leaveForeign = async (claimed: ClaimedCredential): Promise<void> => {
    if (claimed.expiresAt === null || hasEnded(claimed))
      await store.saveDeadGrant(claimed, 'deployment_copied');
    else await putOff(claimed, claimed.expiresAt);
  };

  /** The answer is here already: it is written under the lease that is held now. Asking again would use the token twice. */
  const settleKept = async (claimed: ClaimedCredential, { refreshed }: KeptAnswer): Promise<void> => {
    try {
      await spool.settle({ fence: claimed, refreshed });
    } catch (error) {
      await putOff(claimed, addSeconds(clock.now(), SETTLE_AGAIN_SECONDS));
      throw error;
    }
  };

  const withoutRefreshToken = async (claim: RefreshClaim, claimed: ClaimedCredential): Promise<void> => {
    if (hasEnded(claimed)) await store.saveDeadGrant(claimed, 'refresh_token_missing');
    else await store.releaseRefreshes([claim]);
  };

  const slowRetryAt = (): Date => addSeconds(clock.now(), slowRetrySeconds(randomness.fraction()));

  const withoutTarget = (claimed: ClaimedCredential): Promise<boolean> =>
    store.saveRefreshFailure(claimed, {
      refreshAt: slowRetryAt(),
      reason: 'configuration',
      forgetIntent: false,
      isAttempt: true,
    });

  /** Whether the integration lets its tokens go that nobody has read for so many days. An answer on its way is had first. */
  const isUnused = (claimed: ClaimedCredential): boolean => {
    const { integration, lastUsedAt, connection, refreshIntentAt } = claimed;
    const days = integration?.stopAfterUnusedDays ?? null;
    if (days === null || refreshIntentAt !== null) return false;
    return addSeconds(lastUsedAt ?? connection.createdAt, days * 86_400) <= clock.now();
  };

  /** A client that the provider refuses is tried for one connection at a time; the others wait for what that brings. */
  const waitForClient = async ({ claimed, found, wish }: Attempt): Promise<Date | null> => {
    const { integration } = claimed;
    if (!found.integration || integration?.status !== 'degraded') return null;
    if (wish === 'force' || wish === 'caller') return null;
    const now = clock.now();
    const nextAt = slowRetryAt();
    const isTime = integration.retryAt === null || integration.retryAt <= now;
    if (isTime && (await integrations.takeClientTrial(found.integration.rowId, now, nextAt))) return null;
    return isTime || integration.retryAt === null
      ? nextAt
      : addSeconds(integration.retryAt, WAKE_SPREAD_SECONDS * randomness.fraction());
  };

  /** The fence did not hold. A reconnect's tokens are the ones to keep; those of a deleted connection are ended. */
  const dropLate = async ({ claimed, found }: Attempt, grant: TokenGrant): Promise<void> => {
    const { id, environment } = claimed.connection;
    log.info({ connectionId: id }, 'a refreshed token came too late and was dropped');
    const current = await credentials.openCredential(id, environment);
    if (current || grant.refreshToken === null || !mayRevoke(claimed.issuedAt)) return;
    await oauth.revoke(found.target, grant.refreshToken, 'refresh_token').catch(() => false);
  };

  const clientWorks = async ({ claimed, found: { integration } }: Attempt): Promise<void> => {
    if (claimed.integration?.status !== 'degraded' || !integration) return;
    const works = { status: 'healthy', reason: null } as const;
    const noted = await integrations.markIntegration(integration, works, clock.now());
    if (noted === 'changed') await store.wakeConnectionsOf(integration.rowId, WAKE_SPREAD_SECONDS);
  };

  const keepAnswer = async (attempt: Attempt, answered: TokenGrant, issuedAt: Date): Promise<void> => {
    const { claimed, secrets, dpopKey, found } = attempt;
    const lifetime = lifetimeOf(claimed, answered, clock.now());
    const grant: TokenGrant = { ...answered, expiresInSeconds: lifetime.seconds };
    const outcome = await save({
      fence: {
        connection: { id: claimed.connection.id },
        version: claimed.version,
        leaseNumber: claimed.leaseNumber,
      },
      refreshed: renewedCredential(claimed, {
        secrets,
        dpopKey,
        method: found.target.method,
        grant,
        issuedAt,
        fraction: randomness.fraction(),
      }),
    });
    if (lifetime.isNew && lifetime.seconds !== null && found.integration) {
      // Nothing waits for it: the answer itself is what must not be lost.
      void integrations.learnLifetime(found.integration.rowId, lifetime.seconds).catch(() => undefined);
    }
    if (outcome === 'superseded') return dropLate(attempt, grant);
    if (outcome === 'saved') await clientWorks(attempt);
  };

  /** A server on its way out, or one that turns out to be on a copy, sends nothing more. */
  const proveLease = async (claimed: ClaimedCredential): Promise<boolean> =>
    !isStopping() && (await store.recordIntent(claimed));

  /** Sends the token request, once. Resolves to `null` where it was not sent, or its failure was written. */
  const send = async (
    attempt: Attempt,
    claim: RefreshClaim,
    isTimely: Judgement['isTimely'],
  ): Promise<{ readonly grant: TokenGrant; readonly issuedAt: Date } | null> => {
    const { claimed, secrets, renewal, dpopKey, found, wish } = attempt;
    const endpoint = endpointKeyOf(found.target, allowLoopback);
    let mayAskAgain = true;
    for (let tries = 1; ; tries += 1) {
      const leave = trackLeave(() => proveLease(claimed), isTimely, dependencies);
      const issuedAt = clock.now();
      try {
        const grant = await oauth.renew(found.target, renewal, { dpopKey, leave: leave.ask });
        void gate.succeeded(endpoint);
        return { grant, issuedAt };
      } catch (error) {
        const hasDeparted = leave.hasDeparted();
        if (!hasDeparted && leave.isLate() && isTimely() && tries < SEND_ATTEMPTS) continue;
        if (!hasDeparted && (leave.isLost() || leave.isLate())) {
          await store.releaseRefreshes([claim]);
          return null;
        }
        if (!hasDeparted && !(error instanceof TokenRequestError)) throw error;
        tellGate(endpoint, error);
        const failed = { error, secrets, hasDeparted, mayAskAgain, isWitness: wish === 'witness' };
        if ((await saveFailure(claimed, found, { ...failed, isAskedFor: wish === 'caller' })) === 'written')
          return null;
        mayAskAgain = false;
      }
    }
  };

  const tellGate = (endpoint: string, error: unknown): void => {
    const known = error instanceof TokenRequestError ? error : null;
    const isTrouble = known === null || known.verdict.outcome === 'transient';
    if (isTrouble) void gate.failed(endpoint, known?.retryAfterSeconds ?? null);
    else if (known.status !== null) void gate.succeeded(endpoint);
  };

  const openClaimed = async (claim: RefreshClaim): Promise<ClaimedCredential | null> => {
    try {
      return await store.readClaimed(claim);
    } catch (error) {
      if (isRowFault(error)) await store.putOffClaim(claim, slowRetryAt());
      throw error;
    }
  };

  const refreshOpened = async (
    claim: RefreshClaim,
    claimed: ClaimedCredential,
    wish: RefreshWish,
    onAnswer: () => void,
  ): Promise<void> => {
    const { secrets } = claimed;
    if (!('accessToken' in secrets) || isStopping()) return store.releaseRefreshes([claim]);
    if (provenanceOf(claimed.issuedAt) === 'foreign') return leaveForeign(claimed);
    const kept = await spool.find(claimed);
    if (kept) return settleKept(claimed, kept);
    const renewal = renewalOf(secrets, claimed.connection);
    if (renewal === null) return withoutRefreshToken(claim, claimed);
    if (wish === 'schedule' && isUnused(claimed)) return void (await store.stopRefreshing(claimed));
    const found = await findTarget(claimed.connection, secrets, claimed.integration?.version);
    if (!found) return void (await withoutTarget(claimed));
    const dpopKey = await renewalKey(secrets, found, createDpopKey);
    const attempt: Attempt = { claimed, secrets, renewal, dpopKey, found, wish };
    const waitUntil = await waitForClient(attempt);
    if (waitUntil) {
      const isTold = await outages.isToldOfIntegration(found.integration?.rowId ?? null);
      return void (await putOff(claimed, waitUntil, isTold ? null : claimed.integration?.reason));
    }
    const judgement = await judge({
      ...attempt,
      ...{ isAskedFor: wish === 'caller', isWitness: wish === 'witness' },
    });
    if (!judgement) return;
    const { method } = found.target;
    const admission = await gate.admit(
      { url: endpointKeyOf(found.target, allowLoopback), limit: method.tokenRateLimit },
      { urgent: rotationStanding(method, judgement.claimed, clock.now()) === 'in_grace' },
    );
    if (!admission.admitted) {
      const isSeen = hasEnded(claimed) || wish === 'caller';
      const isOwn = isSeen && (await outages.judgeSilence(suspectOf(claimed, hostOf))) === 'own';
      const reason = isOwn ? admission.reason : null;
      return void (await putOff(claimed, admission.retryAt, reason));
    }
    const judged = { ...attempt, claimed: judgement.claimed };
    const answer = await send(judged, claim, judgement.isTimely);
    if (!answer) return;
    onAnswer();
    await keepAnswer(judged, answer.grant, answer.issuedAt);
    log.debug({ connectionId: claim.connectionId }, 'refresh done');
  };

  /** `onAnswer` is told when the provider has answered: what is left is to write it down. */
  return async (claim: RefreshClaim, wish: RefreshWish, onAnswer: () => void): Promise<void> => {
    const claimed = await openClaimed(claim);
    if (!claimed) return;
    try {
      await refreshOpened(claim, claimed, wish, onAnswer);
    } catch (error) {
      if (!isRowFault(error)) throw error;
      log.error(
        { connectionId: claim.connectionId, error: errorSummary(error) },
        'a refresh could not be made',
      );
      await withoutTarget(claimed);
    }
  };
};
