import type { AuthMethod } from '@authpipe/providers';
import { addSeconds, secondsBetween } from '../clock.js';

/** Refresh at the latest this long ahead of expiry, … */
const LARGEST_MARGIN_SECONDS = 300;
/** … or with this part of the lifetime left, whichever is shorter: a token that lives a minute is not always due. */
const MARGIN_OF_LIFETIME = 1 / 5;
/** Up to this part of the margin earlier, at random: connections made together are not refreshed together. */
const JITTER_OF_MARGIN = 1 / 2;

/** Where a refresh ends the old access token: at the earliest this long ahead, or with this part of the lifetime left. */
const LARGEST_LATE_MARGIN_SECONDS = 60;
const LATE_MARGIN_OF_LIFETIME = 1 / 10;
/** A late margin shrinks by up to this part, at random: it is a limit, so it can't grow. */
const JITTER_OF_LATE_MARGIN = 1 / 2;

/**
 * A refresh token that dies when unused is exercised after this part of its idle lifetime, or up to a fifth of that
 * earlier, at random: there is as much left for an outage as went by.
 */
const EXERCISE_AT_PART_OF_IDLE = 1 / 2;
const JITTER_OF_EXERCISE = 1 / 5;

/** When people are told of a grant's end first: two weeks ahead; a quarter of its life ahead where that is shorter. */
const LARGEST_NOTICE_SECONDS = 14 * 86_400;
const NOTICE_OF_LIFETIME = 1 / 4;
/** … and again, with so many days left. */
export const LATER_NOTICE_DAYS = [3, 1] as const;

/** A token that is refused sooner says more of the refusal than of its lifetime. */
const SHORTEST_LEARNED_SECONDS = 60;

/** Longer than any token lives: beyond it a provider's figure is a mistake (milliseconds, say). */
const LONGEST_LIFETIME_SECONDS = 10 * 365 * 86_400;

/**
 * When an access token ends. `null` where its end is not known: `oauth/` has already asked the provider and the
 * definition where an answer says nothing of use. Absurdly long lifetimes are cut at ten years.
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

/** What a token answer says of the refresh token. */
export interface RefreshTokenTold {
  /** Null where the answer holds none: after a refresh the old one stays good. */
  readonly refreshToken: string | null;
  /** Null where the answer does not say. */
  readonly refreshExpiresInSeconds: number | null;
}

/** When a refresh token ends that a consent just gave: by the answer's word, else by the definition; null: not known. */
export const refreshEndAfterConsent = ({
  method,
  grant,
  issuedAt,
}: {
  readonly method: AuthMethod;
  readonly grant: RefreshTokenTold;
  readonly issuedAt: Date;
}): Date | null => {
  if (grant.refreshToken === null) return null;
  return grant.refreshExpiresInSeconds === null
    ? refreshTokenExpiry(method, issuedAt)
    : addSeconds(issuedAt, grant.refreshExpiresInSeconds);
};

/**
 * When the refresh token ends that a refresh left behind:
 * - by the answer's own word, where it says so: that may be later than before;
 * - else as before, where a refresh changes nothing about it: the definition names an end that counts from the consent
 *   (rotation inherits it), or the token stayed the same and does not live by being used;
 * - `null` otherwise: a new token has an end of its own that nobody told. So, too, once it outlived the end known.
 */
export const refreshEndAfterRefresh = ({
  method,
  grant,
  issuedAt,
  inherited,
}: {
  readonly method: AuthMethod;
  readonly grant: RefreshTokenTold;
  readonly issuedAt: Date;
  /** The end known before this refresh. */
  readonly inherited: Date | null;
}): Date | null => {
  if (grant.refreshExpiresInSeconds !== null) return addSeconds(issuedAt, grant.refreshExpiresInSeconds);
  if (method.kind !== 'oauth2' || inherited === null || inherited <= issuedAt) return null;
  const { absoluteLifetimeSeconds, idleLifetimeSeconds, rotation } = method.refreshToken;
  if (absoluteLifetimeSeconds !== undefined) return inherited;
  const isSameToken = grant.refreshToken === null || rotation === 'static';
  return isSameToken && idleLifetimeSeconds === undefined ? inherited : null;
};

/** What the schedule looks at. */
export interface RefreshTiming {
  readonly issuedAt: Date;
  readonly expiresAt: Date | null;
  readonly hasRefreshToken: boolean;
  /** In [0, 1): jitter. */
  readonly fraction: number;
  /**
   * Whether the provider has just issued the tokens, so that an access token without a known end has nothing to be ahead
   * of. Default false: they were taken over from elsewhere, and one without a known end may end at any moment.
   */
  readonly isFresh?: boolean;
  /** The refresh token dies when unused for this long. Default: it does not. */
  readonly idleLifetimeSeconds?: number | undefined;
  /** A refresh ends the access token that is in use: refresh late. Default false. */
  readonly refreshInvalidatesAccessToken?: boolean | undefined;
}

/** Ahead of the access token's end. */
const dueBeforeExpiry = (
  { issuedAt, fraction, refreshInvalidatesAccessToken = false }: RefreshTiming,
  expiresAt: Date,
): Date => {
  const lifetimeSeconds = Math.max(0, secondsBetween(issuedAt, expiresAt));
  if (refreshInvalidatesAccessToken) {
    const largest = Math.min(LARGEST_LATE_MARGIN_SECONDS, lifetimeSeconds * LATE_MARGIN_OF_LIFETIME);
    return addSeconds(expiresAt, -largest * (1 - JITTER_OF_LATE_MARGIN * fraction));
  }
  const marginSeconds = Math.min(LARGEST_MARGIN_SECONDS, lifetimeSeconds * MARGIN_OF_LIFETIME);
  return addSeconds(expiresAt, -marginSeconds * (1 + JITTER_OF_MARGIN * fraction));
};

/**
 * When a credential has to be looked at next. With a refresh token it is the earlier of:
 * - ahead of the access token's end by the smaller of 5 minutes and a fifth of its lifetime, or up to half as much again.
 *   Where a refresh ends the old access token: by at most a minute and at most a tenth of the lifetime. Where the end is
 *   not known: at once, or not at all for tokens that are fresh;
 * - half of the refresh token's idle lifetime after it was issued, or up to a fifth of that earlier.
 *
 * Without a refresh token it is the access token's end, so that its end is noticed; never, when it has none.
 */
export const refreshDueAt = (timing: RefreshTiming): Date | null => {
  const { issuedAt, expiresAt, hasRefreshToken, fraction, isFresh = false, idleLifetimeSeconds } = timing;
  if (!hasRefreshToken) return expiresAt;
  if (expiresAt === null && !isFresh) return issuedAt;
  const ahead = expiresAt && dueBeforeExpiry(timing, expiresAt);
  if (idleLifetimeSeconds === undefined) return ahead;
  const exerciseAfter = idleLifetimeSeconds * EXERCISE_AT_PART_OF_IDLE * (1 - JITTER_OF_EXERCISE * fraction);
  const exercise = addSeconds(issuedAt, exerciseAfter);
  return ahead !== null && ahead < exercise ? ahead : exercise;
};

/**
 * When to tell first that a grant's end is near: two weeks ahead, or with a quarter of its life left where it lives shorter
 * than eight weeks. `null` without an end. `LATER_NOTICE_DAYS` follow.
 * @param since when it was given; `null` where that is not known, as of a key that was made elsewhere
 */
export const expiringNoticeAt = (since: Date | null, end: Date | null): Date | null => {
  if (end === null) return null;
  const ofLifetime =
    since === null ? LARGEST_NOTICE_SECONDS : Math.max(0, secondsBetween(since, end)) * NOTICE_OF_LIFETIME;
  return addSeconds(end, -Math.min(LARGEST_NOTICE_SECONDS, ofLifetime));
};

/**
 * How long access tokens live whose end nobody tells, learned from a first refusal: the time that this one worked, or
 * what was learned before where that is shorter. Whole seconds, 60 at least.
 */
export const learnedLifetimeSeconds = (
  issuedAt: Date,
  refusedAt: Date,
  previouslyLearned: number | null,
): number => {
  const worked = Math.floor(secondsBetween(issuedAt, refusedAt));
  return Math.max(SHORTEST_LEARNED_SECONDS, Math.min(worked, previouslyLearned ?? worked));
};
