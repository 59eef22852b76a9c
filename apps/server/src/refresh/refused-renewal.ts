import type { StatusReason } from '@authpipe/types';
import { isOfWhatItMay } from '../authorization-reasons.js';
import { addSeconds, type Clock } from '../clock.js';
import type { ConnectionRecord } from '../credentials/credential-record.js';
import { FORESEEN_ENDS } from '../credentials/refresh-outcome-store.js';
import type { ClaimedCredential, RefreshStore } from '../credentials/refresh-store.js';
import type { OAuth, TokenTarget } from '../oauth/oauth.js';
import type { Outages } from '../outages/outages.js';
import type { TokenSecrets } from './renewal.js';
import { suspectOf } from './suspect.js';

/** Ahead of the token's end a refused renewal is tried once more before anything is made of it, so much later. */
const SECOND_TRY_SECONDS = 30;

/**
 * What follows from a renewal that the provider refused for good: the grant is `dead`; it is tried once more, `again` at
 * once or after `retrySeconds`; or the provider is to blame, or nobody can tell yet (`held`).
 */
export type RefusedRenewal =
  | { readonly is: 'dead' | 'held' | 'again' }
  | { readonly is: 'later'; readonly retrySeconds: number };

/** What was refused, for whom. */
export interface Refusal {
  readonly target: TokenTarget;
  readonly secrets: TokenSecrets;
  readonly reason: StatusReason;
  /** Whether somebody waits for the outcome. */
  readonly isAskedFor: boolean;
  /** Whether another request can be made at once, of which this is the first. */
  readonly mayAskAgain: boolean;
  /** Made to see how others do: noted, and nothing follows. */
  readonly isWitness: boolean;
}

/**
 * Judges a refused renewal. One refusal is one look: a second one has to agree, be it a look that called the token dead,
 * the issuer's own word on the refresh token (RFC 7662), or another refusal. Where only the token endpoint refuses, others
 * are renewed to see whether it refuses everybody.
 */
export const createJudgeRefusedRenewal = ({
  oauth,
  outages,
  store,
  hostOf,
  clock,
}: {
  readonly oauth: Pick<OAuth, 'introspect'>;
  readonly outages: Pick<Outages, 'judgeRefusal'>;
  readonly store: Pick<RefreshStore, 'extendLease'>;
  /** Where the provider of a connection is asked, as outages are counted. */
  readonly hostOf: (connection: ConnectionRecord) => string;
  readonly clock: Clock;
}) => {
  /** Whether a look called the token dead before: then it is the tokens of others that say whose fault it is. */
  const isSuspected = ({ suspectedReason }: ClaimedCredential): boolean =>
    suspectedReason !== null && !isOfWhatItMay(suspectedReason);

  /** Whether the issuer calls the refresh token itself dead. Some do so of all that live, so that others have the last word. */
  const isCalledDead = async ({ target, secrets }: Refusal): Promise<boolean> => {
    if (secrets.kind !== 'oauth2' || secrets.refreshToken === null) return true;
    const told = await oauth.introspect(target, secrets.refreshToken, 'refresh_token').catch(() => null);
    return told !== null && !told.active;
  };

  return async (claimed: ClaimedCredential, refusal: Refusal): Promise<RefusedRenewal> => {
    const { connection, renewalRefusedSince, expiresAt } = claimed;
    const { reason, isAskedFor, mayAskAgain, isWitness } = refusal;
    if (FORESEEN_ENDS.has(reason) || connection.status === 'needs_reconnect') return { is: 'dead' };
    if (isWitness) return { is: 'later', retrySeconds: SECOND_TRY_SECONDS };
    const judge = async (question: 'token' | 'renewal'): Promise<RefusedRenewal> => {
      // Asking others takes longer than a lease lasts; a verdict without one is not written.
      const mayGoOn = () => store.extendLease(claimed);
      const fault = await outages.judgeRefusal(suspectOf(claimed, hostOf), reason, question, mayGoOn);
      return { is: fault === 'own' ? 'dead' : 'held' };
    };
    if (isSuspected(claimed)) return judge('token');
    if (renewalRefusedSince === null && !(await isCalledDead(refusal))) {
      const hasEnded = expiresAt !== null && expiresAt <= addSeconds(clock.now(), SECOND_TRY_SECONDS);
      if (!hasEnded && !isAskedFor) return { is: 'later', retrySeconds: SECOND_TRY_SECONDS };
      if (mayAskAgain) return { is: 'again' };
    }
    return judge('renewal');
  };
};

export type JudgeRefusedRenewal = ReturnType<typeof createJudgeRefusedRenewal>;
