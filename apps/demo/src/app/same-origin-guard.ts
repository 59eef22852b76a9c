import type { IncomingHttpHeaders } from 'node:http';
import type { RequestHandler } from 'express';

const SAFE_METHODS = new Set(['GET', 'HEAD']);

/**
 * Refuses what another site makes a visitor's browser send: a Lax cookie alone does not stop a sibling subdomain or
 * another port. Changes must come from a page of this origin; reads must name this host, which a rebound DNS name does not.
 */
export function sameOriginOnly(publicUrl: URL): RequestHandler {
  return (request, response, next) => {
    if (request.headers.host !== publicUrl.host) {
      response.status(421).json(refusal('wrong_host', `Open the app at ${publicUrl.origin}.`));
      return;
    }
    if (!SAFE_METHODS.has(request.method) && !comesFrom(publicUrl.origin, request.headers)) {
      response
        .status(403)
        .json(refusal('cross_site', 'This request must come from a page of the app itself.'));
      return;
    }
    next();
  };
}

/** Browsers send `Origin` with every POST; where both headers are there, both must agree. */
function comesFrom(origin: string, headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  return headers.origin === undefined ? site !== undefined : headers.origin === origin;
}

const refusal = (code: string, message: string) => ({ error: { code, message } });
