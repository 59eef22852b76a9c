import type { TokenMethod } from '@authpipe/providers';
import type { ClaimedCredential } from '../credentials/refresh-store.js';

/** A refresh token that is first used with less of the grace left than this may arrive after it. */
const TRAVEL_SECONDS = 1;

type Rotating = Pick<ClaimedCredential, 'rotates' | 'refreshIntentAt'>;

/** Whether a refresh may replace the refresh token: by the definition, unless the last one showed that it does not. */
export const mayRotate = (method: TokenMethod, { rotates }: Pick<Rotating, 'rotates'>): boolean => {
  if (method.kind !== 'oauth2') return false;
  const { rotation } = method.refreshToken;
  return rotation !== 'static' && !(rotation === 'optional_rotation' && rotates === false);
};

/** How long a used refresh token still answers, by the definition. */
export const graceSecondsOf = (method: TokenMethod): number =>
  method.kind === 'oauth2' ? method.refreshToken.graceSeconds : 0;

/** Seconds since the stored refresh token was first sent without an answer; `null` when no answer is missing. */
export const unansweredSeconds = ({ refreshIntentAt }: Rotating, now: Date): number | null =>
  refreshIntentAt === null ? null : Math.max(0, (now.getTime() - refreshIntentAt.getTime()) / 1000);

/**
 * How a refresh token stands whose last use was never answered:
 * - `clear`: no answer is missing, or none can have replaced the token;
 * - `in_grace`: it may have been replaced, and still brings what the lost answer brought: use it at once;
 * - `past_grace`: if it was replaced, using it counts as theft, and ends the whole family.
 */
export const rotationStanding = (
  method: TokenMethod,
  claimed: Rotating,
  now: Date,
): 'clear' | 'in_grace' | 'past_grace' => {
  const seconds = unansweredSeconds(claimed, now);
  if (seconds === null || !mayRotate(method, claimed)) return 'clear';
  return seconds < graceSecondsOf(method) - TRAVEL_SECONDS ? 'in_grace' : 'past_grace';
};
