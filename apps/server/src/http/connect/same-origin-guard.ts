import type { Request, RequestHandler } from 'express';
import { refusalPage } from './refusal-page.js';

/** The `Origin` header where it names one: browsers send `null` for origins that they hide. */
export const originOf = (request: Request): string | null => {
  const origin = request.get('origin');
  return origin === undefined || origin === 'null' ? null : origin;
};

/**
 * Lets only forms through that were sent from this server's own pages. The cookie alone would not do: neighbouring
 * subdomains are the same site to browsers.
 */
export const sameOriginOnly =
  (publicOrigin: string): RequestHandler =>
  (request, response, next) => {
    const origin = originOf(request);
    if (origin === null ? request.get('sec-fetch-site') === 'same-origin' : origin === publicOrigin) {
      next();
      return;
    }
    const { status, page } = refusalPage('cross_site');
    response.status(status).type('html').send(page);
  };
