import { existsSync } from 'node:fs';
import { join } from 'node:path';
import express, { Router } from 'express';
import type { Logger } from '../log/logger.js';

/** Nothing inline, nothing from elsewhere, no frames, no forms. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Hashed names never change their content. */
const YEAR_IN_SECONDS = 31_536_000;

/**
 * Serves the prebuilt provider pages: `/`, `/providers`, `/providers/{id}` and their assets.
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
  router.get(/^\/[a-z0-9/-]*$/, (request, response, next) => {
    const page = join(folder, request.path, 'index.html');
    if (existsSync(page)) response.sendFile(page);
    else next();
  });
  return router;
};
