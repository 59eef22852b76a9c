/** How long one event is tried, and one endpoint that answers nothing: three days. */
export const GIVE_UP_SECONDS = 3 * 86_400;
/** An endpoint that failed this often in a row is taken to be down: one request at a time tries whether it is back. */
export const DOWN_AFTER_FAILURES = 5;

/** First step of the backoff; it doubles with each failure … */
const FIRST_STEP_SECONDS = 5;
/** … up to this: an endpoint that is back after two days has its events within the hour. */
const LONGEST_STEP_SECONDS = 3_600;
/** While an endpoint is down, all its connections are tried in turn, so this is shorter. */
const LONGEST_DOWN_SECONDS = 60;
/** Far above any number of doublings that matters. */
const MAX_DOUBLINGS = 16;

const backoffSeconds = (failures: number, longest: number, fraction: number): number => {
  const step = Math.min(longest, FIRST_STEP_SECONDS * 2 ** Math.min(failures, MAX_DOUBLINGS));
  return (step * (1 + fraction)) / 2;
};

/** How long a receiver may ask not to be sent to, by `Retry-After`: up to an hour. */
export const honouredSeconds = (retryAfterSeconds: number | null): number =>
  Math.min(retryAfterSeconds ?? 0, LONGEST_STEP_SECONDS);

/**
 * When to send the events of a connection again: exponential backoff, half of it left to chance, and not before the
 * receiver said, if that is within the hour. `failures` counts those before this one, `fraction` is in [0, 1).
 */
export const laneRetrySeconds = (
  failures: number,
  retryAfterSeconds: number | null,
  fraction: number,
): number =>
  Math.max(backoffSeconds(failures, LONGEST_STEP_SECONDS, fraction), honouredSeconds(retryAfterSeconds));

/** When to try an endpoint again that is down; `null` while it is not. `failures` counts this one too. */
export const endpointRetrySeconds = (failures: number, fraction: number): number | null =>
  failures < DOWN_AFTER_FAILURES
    ? null
    : backoffSeconds(failures - DOWN_AFTER_FAILURES, LONGEST_DOWN_SECONDS, fraction);
