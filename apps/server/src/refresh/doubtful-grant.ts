import { addSeconds, type Clock } from '../clock.js';
import type { ClaimedCredential } from '../credentials/refresh-store.js';
import type { Nodes } from '../db/nodes.js';
import type { Introspection, OAuth, TokenTarget } from '../oauth/oauth.js';
import { TokenRequestError } from '../oauth/token-request-error.js';
import { graceSecondsOf, rotationStanding } from './rotation.js';

/**
 * How long a rotation whose answer is missing waits for the process that may hold it: the tokens lie in its spool, and are
 * written when it starts again. In an outage of the database nobody could write them, so that the time runs from its end.
 */
const WAIT_FOR_SPOOL_SECONDS = 60;
const LOOK_AGAIN_SECONDS = 5;
/** A request has left 2 s after its intent at the latest, and arrives within another; its sender may hear of a failure before. */
const ARRIVAL_SECONDS = 3;

export interface LookDependencies {
  readonly oauth: Pick<OAuth, 'introspect'>;
  readonly clock: Clock;
  readonly inTouchSince: Nodes['inTouchSince'];
}

/** What to do with a refresh token that may be used up. */
export type DoubtfulGrant =
  /** It is good, or there is no way to know: use it. */
  | { readonly use: true; readonly isUnused: boolean }
  /** Its successor may be on its way, or nobody can tell yet: look again then. */
  | { readonly use: false; readonly lookAgainAt: Date }
  /** Its successor is lost. */
  | { readonly use: false; readonly lookAgainAt: null };

/** Refusals that a later question may not meet. @see RFC 9110 section 15.5.9, RFC 6585 section 4 */
const PASSING_REFUSALS: ReadonlySet<number> = new Set([408, 429]);

/**
 * Whether an introspection endpoint does not answer this client, now or later (switched off, other rights than the token
 * endpoint's): there is no way to know then, as where there is no such endpoint.
 */
const isLasting = (error: unknown): boolean => {
  if (!(error instanceof TokenRequestError)) return false;
  const { status, verdict } = error;
  if (verdict.outcome !== 'transient') return true;
  return status !== null && status >= 400 && status < 500 && !PASSING_REFUSALS.has(status);
};

const earlier = (one: Date, other: Date): Date => (one < other ? one : other);
const later = (one: Date, other: Date): Date => (one > other ? one : other);

/**
 * Asks about a refresh token before it is used, where using it could end the family: introspection does no harm (RFC 7662).
 * Where a provider offers none, or refuses it, the token is used once nobody can hold its successor any more: if that is
 * lost too, nothing is lost by it. What the endpoint says of the client is not the token endpoint's word, and blames nobody.
 *
 * A token that the provider calls active may be one that was used and is in its grace, which may end before we use it. Its
 * first use was inside one grace of the intent on record, so that after two of them (and the way) `active` means that it
 * was never used (`isUnused`): the intent on record is void.
 */
export const createLookBeforeUse =
  ({ oauth, clock, inTouchSince }: LookDependencies) =>
  /** @throws TokenRequestError when the provider is in trouble, and can be asked later */
  async (
    target: TokenTarget,
    claimed: Pick<ClaimedCredential, 'rotates' | 'refreshIntentAt'>,
    refreshToken: string,
  ): Promise<DoubtfulGrant> => {
    const { refreshIntentAt } = claimed;
    const askedAt = clock.now();
    const told = await oauth
      .introspect(target, refreshToken, 'refresh_token')
      .catch((error: unknown): Introspection | null => {
        if (isLasting(error)) return null;
        throw error;
      });
    const now = clock.now();
    if (told?.active) {
      const isPastGrace = rotationStanding(target.method, claimed, now) === 'past_grace';
      if (refreshIntentAt === null || !isPastGrace) return { use: true, isUnused: false };
      const graceSeconds = graceSecondsOf(target.method);
      const certainAt = addSeconds(refreshIntentAt, 2 * graceSeconds + ARRIVAL_SECONDS);
      if (askedAt >= certainAt) return { use: true, isUnused: true };
      return { use: false, lookAgainAt: earlier(certainAt, addSeconds(now, LOOK_AGAIN_SECONDS)) };
    }
    const mayComeBack =
      refreshIntentAt !== null &&
      now < addSeconds(later(refreshIntentAt, inTouchSince()), WAIT_FOR_SPOOL_SECONDS);
    if (mayComeBack) return { use: false, lookAgainAt: addSeconds(now, LOOK_AGAIN_SECONDS) };
    return told === null ? { use: true, isUnused: false } : { use: false, lookAgainAt: null };
  };
