import type { AuthMethod } from '@authpipe/providers';
import { addSeconds } from '../clock.js';

/** Refresh at the latest this long ahead of expiry, … */
const LARGEST_MARGIN_SECONDS = 300;
/** … or with this part of the lifetime left, whichever is shorter: a token that lives a minute is not always due. */
const MARGIN_OF_LIFETIME = 1 / 5;
/** Up to this part of the margin earlier, at random: connections made together are not refreshed together. */
const JITTER_OF_MARGIN = 1 / 2;

/** Longer than any token lives: beyond it a provider's figure is a mistake (milliseconds, say). */
const LONGEST_LIFETIME_SECONDS = 10 * 365 * 86_400;

/**
 * When an access token ends. `null` where it has no known end: `oauth/` has already put the definition's usual lifetime
 * in place of a missing or senseless one. Absurdly long lifetimes are cut at ten years.
 */
export const accessTokenExpiry = (issuedAt: Date, expiresInSeconds: number | null): Date | null =>
  expiresInSeconds === null
    ? null
    : addSeconds(issuedAt, Math.min(Math.max(expiresInSeconds, 0), LONGEST_LIFETIME_SECONDS));

/** When a refresh token ends, where the definition knows it: counted from the person's consent. */
export const refreshTokenExpiry = (method: AuthMethod, consentedAt: Date): Date | null =>
  method.kind === 'oauth2' && method.refreshToken.absoluteLifetimeSeconds !== undefined
    ? addSeconds(consentedAt, method.refreshToken.absoluteLifetimeSeconds)
    : null;

/** What the schedule looks at. */
export interface RefreshTiming {
  readonly issuedAt: Date;
  readonly expiresAt: Date | null;
  readonly hasRefreshToken: boolean;
  /** In [0, 1): jitter. */
  readonly fraction: number;
}

/**
 * When a credential has to be looked at next:
 * - with a refresh token, ahead of its expiry by the smaller of 5 minutes and a fifth of its lifetime, or up to half as
 *   much again; at once where its end is not known (an import without `expiresAt`);
 * - without one, when it ends, so that its end is noticed; never, when it has none.
 */
export const refreshDueAt = ({
  issuedAt,
  expiresAt,
  hasRefreshToken,
  fraction,
}: RefreshTiming): Date | null => {
  if (!hasRefreshToken) return expiresAt;
  if (!expiresAt) return issuedAt;
  const lifetimeSeconds = Math.max(0, (expiresAt.getTime() - issuedAt.getTime()) / 1000);
  const marginSeconds = Math.min(LARGEST_MARGIN_SECONDS, lifetimeSeconds * MARGIN_OF_LIFETIME);
  return addSeconds(expiresAt, -marginSeconds * (1 + JITTER_OF_MARGIN * fraction));
};
