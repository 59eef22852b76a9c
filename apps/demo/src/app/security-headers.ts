import type { RequestHandler } from 'express';

/**
 * The app's own headers. Two of them concern the connect button: the page may talk to Authpipe (`connect-src`) and post its form
 * there (`form-action`), and it keeps its link to the popups it opens (`same-origin-allow-popups`; the button works
 * without, a little later).
 */
export function securityHeaders(authpipeOrigin: string): RequestHandler {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self' ${authpipeOrigin}`,
    `form-action 'self' ${authpipeOrigin}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return (_request, response, next) => {
    response.set({
      'Content-Security-Policy': policy,
      'Cross-Origin-Opener-Policy': 'same-origin-allow-popups',
      'Referrer-Policy': 'strict-origin-when-cross-origin',
      'X-Content-Type-Options': 'nosniff',
    });
    next();
  };
}
