import type { RequestHandler } from 'express';
import { TOKEN_RATE_LIMIT_TEXT } from './faults.js';
import type { OrgState } from './org-state.js';
import { RateLimiter, rateLimitHeaders } from './rate-limit.js';

/** Counts the calls of an endpoint, whoever makes them, tells the limit in each answer, and refuses what is beyond it. */
export function limitCalls({
  clock,
  callsPerMinute,
}: Pick<OrgState, 'clock' | 'callsPerMinute'>): RequestHandler {
  const limiter = new RateLimiter(clock, callsPerMinute);
  return (req, res, next) => {
    const { allowed, ...window } = limiter.count(req.baseUrl);
    res.set(rateLimitHeaders(window));
    if (allowed) return next();
    res.status(429).json({ error: 'invalid_grant', error_description: TOKEN_RATE_LIMIT_TEXT });
  };
}
