import type { OrgClock } from './clock.js';

/** One window of a rate limit, as Okta tells it in its headers. */
export interface RateLimitWindow {
  limit: number;
  remaining: number;
  /** When the window ends, in milliseconds of the org's clock. */
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
 * Counts calls per endpoint and minute. It counts in the clock that clients share, so that moving the org's does not end
 * a window, and tells the reset in the org's, like everything else that an app measures by the answer's `Date`.
 */
export class RateLimiter {
  readonly #windows = new Map<string, RateLimitWindow>();

  constructor(
    private readonly clock: Pick<OrgClock, 'wallMillis' | 'nowMillis'>,
    private readonly limit: number,
  ) {}

  /** Counts one call. `allowed` is false once the window is used up. */
  count(endpoint: string): RateLimitWindow & { allowed: boolean } {
    const now = this.clock.wallMillis();
    let window = this.#windows.get(endpoint);
    if (!window || window.resetMillis <= now) {
      window = { limit: this.limit, remaining: this.limit, resetMillis: now + WINDOW_MILLIS };
      this.#windows.set(endpoint, window);
    }
    const allowed = window.remaining > 0;
    if (allowed) window.remaining -= 1;
    const resetMillis = window.resetMillis - now + this.clock.nowMillis();
    return { ...window, resetMillis, allowed };
  }
}
