/** One window of a rate limit, as Okta tells it in its headers. */
export interface RateLimitWindow {
  limit: number;
  remaining: number;
  /** When the window ends, in milliseconds since the epoch. */
  resetMillis: number;
}

/** Okta's headers. The reset is in whole UTC epoch seconds, not a number of seconds to wait. */
export function rateLimitHeaders({ limit, remaining, resetMillis }: RateLimitWindow): Record<string, string> {
  return {
    'X-Rate-Limit-Limit': String(limit),
    'X-Rate-Limit-Remaining': String(remaining),
    'X-Rate-Limit-Reset': String(Math.ceil(resetMillis / 1000)),
  };
}

/** Okta's limits are per minute. */
const WINDOW_MILLIS = 60_000;

/**
 * Counts calls per endpoint and minute. It counts in the clock that clients share, not in the org's moved one: a
 * client that waits for the reset must not be sent months ahead.
 */
export class RateLimiter {
  readonly #windows = new Map<string, RateLimitWindow>();

  constructor(
    private readonly wallMillis: () => number,
    private readonly limit: number,
  ) {}

  /** Counts one call. `allowed` is false once the window is used up. */
  count(endpoint: string): RateLimitWindow & { allowed: boolean } {
    const now = this.wallMillis();
    let window = this.#windows.get(endpoint);
    if (!window || window.resetMillis <= now) {
      window = { limit: this.limit, remaining: this.limit, resetMillis: now + WINDOW_MILLIS };
      this.#windows.set(endpoint, window);
    }
    const allowed = window.remaining > 0;
    if (allowed) window.remaining -= 1;
    return { ...window, allowed };
  }
}
