import { addSeconds, type Clock } from '../clock.js';
import type { ClaimedCredential } from '../credentials/refresh-store.js';
import type { OAuth, OAuthTarget } from '../oauth/oauth.js';

/**
 * How long a rotation whose answer is missing waits for the process that may hold it: the tokens lie in its spool, and are
 * written when it starts again.
 */
const WAIT_FOR_SPOOL_SECONDS = 60;
const LOOK_AGAIN_SECONDS = 5;
/**
 * The provider counts its grace from when the request arrived, this much after the intent at most, as a rule. A token that
 * it calls active in the last of that time may be used up all the same, and be theft a moment later.
 */
const LATE_START_SECONDS = 3;

/** What to do with a refresh token that may be used up. */
export type DoubtfulGrant =
  /** It is good, or there is no way to know: use it. */
  | { readonly use: true }
  /** Its successor may be on its way: look again then. */
  | { readonly use: false; readonly lookAgainAt: Date }
  /** Its successor is lost. */
  | { readonly use: false; readonly lookAgainAt: null };

/**
 * Asks about a refresh token before it is used, where using it could end the family: introspection does no harm (RFC 7662).
 * Where a provider offers none, the token is used once nobody can hold its successor any more: if that is lost too,
 * nothing is lost by it.
 */
export const createLookBeforeUse =
  ({ oauth, clock }: { readonly oauth: Pick<OAuth, 'introspect'>; readonly clock: Clock }) =>
  /** @throws TokenRequestError when the provider can't be asked */
  async (
    target: OAuthTarget,
    { refreshIntentAt }: Pick<ClaimedCredential, 'refreshIntentAt'>,
    refreshToken: string,
  ): Promise<DoubtfulGrant> => {
    const graceEndsAt =
      refreshIntentAt && addSeconds(refreshIntentAt, target.method.refreshToken.graceSeconds);
    const clearAt = graceEndsAt && addSeconds(graceEndsAt, LATE_START_SECONDS);
    if (graceEndsAt && clearAt && graceEndsAt <= clock.now() && clock.now() < clearAt) {
      return { use: false, lookAgainAt: clearAt };
    }
    const told = await oauth.introspect(target, refreshToken, 'refresh_token');
    if (told?.active) return { use: true };
    const now = clock.now();
    const mayComeBack = refreshIntentAt !== null && now < addSeconds(refreshIntentAt, WAIT_FOR_SPOOL_SECONDS);
    if (mayComeBack) return { use: false, lookAgainAt: addSeconds(now, LOOK_AGAIN_SECONDS) };
    return told === null ? { use: true } : { use: false, lookAgainAt: null };
  };
