import type { RequestHandler } from 'express';
import type { Logger } from '../log/logger.js';
import { newId, type Randomness } from '../randomness.js';

/** A caller's own request id is kept if it is harmless in a log and a header. */
const FOREIGN_ID = /^[A-Za-z0-9._-]{8,64}$/;

/**
 * Gives each request an id (`X-Request-Id`) and logs one line when it is answered: method, route pattern, status and
 * duration. Never the URL (it may hold a code), the headers or a body.
 */
export const requestLog =
  (log: Logger, randomness: Randomness): RequestHandler =>
  (request, response, next) => {
    const foreign = request.get('x-request-id');
    const requestId = foreign && FOREIGN_ID.test(foreign) ? foreign : newId('req', randomness);
    response.setHeader('X-Request-Id', requestId);
    if (!log.isLevelEnabled('debug')) {
      next();
      return;
    }
    const startedAt = performance.now();
    response.once('finish', () => {
      const route: unknown = request.route?.path;
      log.debug(
        {
          requestId,
          method: request.method,
          route: typeof route === 'string' ? `${request.baseUrl}${route}` : undefined,
          status: response.statusCode,
          durationMillis: Math.round(performance.now() - startedAt),
        },
        'answered',
      );
    });
    next();
  };
