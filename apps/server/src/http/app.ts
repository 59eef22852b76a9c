import express, { type Express, type Router } from 'express';
import helmet from 'helmet';
import type { MonotonicMillis } from '../db/database-clock.js';
import type { Logger } from '../log/logger.js';
import type { Metrics } from '../metrics/create-metrics.js';
import type { Randomness } from '../randomness.js';
import { type MountDependencies, mountRoutes } from './mount-routes.js';
import { openApiDocument } from './openapi.js';
import { type OperationsDependencies, operations } from './operations.js';
import { notFound, problemResponse } from './problem-response.js';
import { requestLog } from './request-log.js';
import type { Route } from './route.js';
import { webPages } from './web-pages.js';

/** Everything the HTTP face is made of. */
export interface AppDependencies extends MountDependencies, OperationsDependencies {
  readonly routes: readonly Route[];
  /** The hosted connect pages; they set their own security headers. */
  readonly connectRouter: Router;
  readonly webFolder: string;
  readonly publicUrl: string;
  readonly version: string;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'registry' | 'observeHttpRequest'>;
  readonly randomness: Randomness;
  readonly monotonicMillis: MonotonicMillis;
  /** Proxies in front whose `X-Forwarded-For` is believed, counted from the server. */
  readonly trustedProxies: number;
}

/** The Express application: operations, `/v1`, hosted connect pages, the site's pages; problems at the end. */
export const createApp = (dependencies: AppDependencies): Express => {
  const { routes, connectRouter, webFolder, publicUrl, version, log, trustedProxies } = dependencies;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('trust proxy', trustedProxies);
  app.set('query parser', 'simple');
  app.use(requestLog({ ...dependencies, observe: dependencies.metrics.observeHttpRequest }));
  app.use('/v1', mountRoutes(routes, dependencies), notFound);
  app.use(operations(dependencies));
  app.use(connectRouter);
  app.use(
    helmet({
      contentSecurityPolicy: false,
      strictTransportSecurity: publicUrl.startsWith('https:') ? { maxAge: 31_536_000 } : false,
      xFrameOptions: { action: 'deny' },
    }),
  );
  const description = openApiDocument(routes, version, publicUrl);
  app.get('/openapi.json', (_request, response) => {
    response.json(description);
  });
  app.use(webPages(webFolder, log));
  app.use(notFound, problemResponse(log, publicUrl));
  return app;
};
