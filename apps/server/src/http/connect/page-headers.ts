import type { RequestHandler, Response } from 'express';

const LOOPBACK = 'http://localhost:* http://*.localhost:* http://127.0.0.1:*';

/** A year: for a server whose public URL is `https`, it is never anything else. */
const TRANSPORT_SECURITY = 'max-age=31536000';

const NO_FRAME = "frame-ancestors 'none'";

/**
 * Lets a session's pages stand in a frame of the app's own pages, which the session names exactly; a link's page, a
 * refusal and a session that names nobody are in no frame. `X-Frame-Options` knows no list, so it goes.
 */
export const allowFrames = (response: Response, allowedOrigins: readonly string[]): void => {
  if (allowedOrigins.length === 0) return;
  const policy = String(response.get('Content-Security-Policy'));
  response.set(
    'Content-Security-Policy',
    policy.replace(NO_FRAME, `frame-ancestors ${allowedOrigins.join(' ')}`),
  );
  response.removeHeader('X-Frame-Options');
};

/**
 * The hosted pages' headers: own style sheet and script and nothing else, in no frame unless a session allows it, never kept.
 *
 * `form-action` has to let forms end anywhere on `https` (and at apps under development): browsers apply it to every redirect that follows a submit, and
 * signing in may lead over hosts that nobody here knows (a provider's own identity provider). The opener is not cut off
 * (COOP `unsafe-none`), because the page that opened the popup waits for a message.
 * @param secure whether the server is reached over TLS
 */
export const pageHeaders = (secure: boolean): RequestHandler => {
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    'img-src data:',
    `form-action 'self' https: ${secure ? LOOPBACK : 'http:'}`,
    "base-uri 'none'",
    NO_FRAME,
  ].join('; ');
  return (_request, response, next) => {
    response.set({
      'Content-Security-Policy': policy,
      'Referrer-Policy': 'no-referrer',
      'Cross-Origin-Opener-Policy': 'unsafe-none',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'X-Content-Type-Options': 'nosniff',
      'X-Frame-Options': 'DENY',
      'Cache-Control': 'no-store',
      ...(secure ? { 'Strict-Transport-Security': TRANSPORT_SECURITY } : {}),
    });
    next();
  };
};
