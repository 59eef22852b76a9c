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
