/** First step of the backoff; it doubles with each failure … */
const FIRST_STEP_SECONDS = 2;
/** … up to this: soon enough after an outage, and no load during one. */
const LONGEST_STEP_SECONDS = 300;
/** Never at once: a provider that refuses is not asked in a tight loop. */
const SHORTEST_SECONDS = 1;
/** A provider that says longer than this is asked all the same. */
const LONGEST_RETRY_AFTER_SECONDS = 3600;
/** Where a person has to change a setting first, asking often changes nothing. */
const SLOW_SECONDS = 300;
/** When an integration's client works again, its connections are tried within this time. */
export const WAKE_SPREAD_SECONDS = 30;
/** Added to a fixed wait at random, so that its end is not a stampede. */
const SPREAD = 0.2;

/**
 * When to try again after the provider failed: exponential backoff with full jitter, and not before the provider said.
 * `failures` counts those before this one, `fraction` is in [0, 1).
 */
export const backoffSeconds = (
  failures: number,
  retryAfterSeconds: number | null,
  fraction: number,
): number => {
  const step = Math.min(LONGEST_STEP_SECONDS, FIRST_STEP_SECONDS * 2 ** Math.min(failures, 10));
  const told = Math.min(retryAfterSeconds ?? 0, LONGEST_RETRY_AFTER_SECONDS);
  return Math.max(SHORTEST_SECONDS + step * fraction, told * (1 + SPREAD * fraction));
};

/** When to try again after the integration or a setting at the provider was at fault. */
export const slowRetrySeconds = (fraction: number): number => SLOW_SECONDS * (1 + SPREAD * fraction);

/** The first tries after an answer that may have been lost are this far apart, doubled at most by jitter … */
const SHORTEST_AMBIGUOUS_SECONDS = 1;
/** … and later ones by this share of the time since: a grace of an hour is not spent on a try a second. */
const AMBIGUOUS_SHARE = 1 / 8;
/** With less of the grace left than this, a try would not arrive inside it. */
const LAST_CHANCE_SECONDS = 1;

/**
 * When to repeat a rotation whose answer may have been lost: soon, and inside the provider's grace, while the old refresh
 * token still brings what the lost answer brought. `null`: the grace is over, or as good as; the ordinary backoff holds.
 * In a grace of 30 s there are eight tries or more if each fails at once, and three if each takes 10 s to fail.
 * `sinceFirstUseSeconds` runs from when the old refresh token was first sent, `fraction` is in [0, 1). A provider that is
 * in trouble is left alone for `usualSeconds`, as long as the grace allows.
 */
export const ambiguousRetrySeconds = ({
  sinceFirstUseSeconds,
  graceSeconds,
  fraction,
  usualSeconds = 0,
}: {
  readonly sinceFirstUseSeconds: number;
  readonly graceSeconds: number;
  readonly fraction: number;
  readonly usualSeconds?: number;
}): number | null => {
  const left = graceSeconds - sinceFirstUseSeconds;
  if (left < LAST_CHANCE_SECONDS) return null;
  const step = Math.max(SHORTEST_AMBIGUOUS_SECONDS, sinceFirstUseSeconds * AMBIGUOUS_SHARE);
  // Never past the grace: the last chance is taken in the middle of what is left.
  return Math.min(Math.max(step * (1 + fraction), usualSeconds), left / 2);
};
