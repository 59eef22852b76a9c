import { existsSync } from 'node:fs';
import { join } from 'node:path';
import express, { type RequestHandler, Router } from 'express';
import type { Logger } from '../log/logger.js';

/** Nothing inline, nothing from elsewhere, no frames, no forms. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Hashed names never change their content. */
const YEAR_IN_SECONDS = 31_536_000;

/** Addresses of pages alone, where a browser that finds none is told so by a page. */
const PAGES = /^\/(?:providers|docs)(?:\/|$)/;

/** Says to a browser, by a page, that there is none here; whoever does not ask for HTML first goes on to the problem. */
const missingPage =
  (folder: string): RequestHandler =>
  (request, response, next) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (!isRead || !PAGES.test(request.path)) {
      next();
      return;
    }
    response.vary('Accept');
    if (request.accepts(['application/problem+json', 'json', 'html']) !== 'html') next();
    else response.status(404).sendFile(join(folder, '404.html'), { acceptRanges: false });
  };

/**
 * Serves the prebuilt site: `/`, `/providers`, `/providers/{id}`, `/docs`, `/docs/errors/{code}` and their assets.
 * @param folder what `apps/web` built; without it the server runs without pages and says so.
 */
export const webPages = (folder: string, log: Logger): Router => {
  const router = Router();
  if (!existsSync(join(folder, 'index.html'))) {
    log.warn(
      { folder },
      'The provider pages are not built: /providers answers 404. `npm run build` makes them.',
    );
    return router;
  }
  router.use((_request, response, next) => {
    response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY);
    next();
  });
  router.use(
    '/assets',
    express.static(join(folder, 'assets'), { immutable: true, maxAge: YEAR_IN_SECONDS * 1000, index: false }),
  );
  router.use(express.static(folder, { extensions: ['html'], redirect: false, maxAge: 0 }));
  // Folder addresses without the slash: /providers/okta is providers/okta/index.html.
  router.get(/^\/[a-z0-9/_-]*$/, (request, response, next) => {
    const page = join(folder, request.path, 'index.html');
    if (existsSync(page)) response.sendFile(page);
    else next();
  });
  router.use(missingPage(folder));
  return router;
};
