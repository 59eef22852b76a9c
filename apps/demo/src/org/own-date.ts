import type { RequestHandler } from 'express';
import type { OrgClock } from './clock.js';

/** What apps call, and browsers don't: on pages a browser would take the org's time for when cookies end. */
export const PATHS_OF_APPS = [
  '/.well-known',
  '/api/v1',
  '/oauth2/v1/token',
  '/oauth2/v1/introspect',
  '/oauth2/v1/revoke',
  '/oauth2/v1/userinfo',
  '/oauth2/v1/par',
  '/oauth2/v1/keys',
] as const;

/**
 * Puts the org's own time into the answer's `Date` (RFC 9110 section 6.6.1), as a provider with a wrong clock would: an
 * app tells by it what the org's absolute times mean.
 */
export function tellOwnDate(clock: OrgClock): RequestHandler {
  return (_req, res, next) => {
    res.setHeader('Date', new Date(clock.nowMillis()).toUTCString());
    next();
  };
}
