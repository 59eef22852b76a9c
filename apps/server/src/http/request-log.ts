import type { RequestHandler } from 'express';
import type { Logger } from '../log/logger.js';
import type { Randomness } from '../randomness.js';

/** A caller's own request id is kept if it is harmless in a log and a header. */
const FOREIGN_ID = /^[A-Za-z0-9._-]{8,64}$/;

/** Asking the system for 16 bytes at a time would cost each request more than all that this file does. */
const IDS_PER_DRAW = 256;
const ID_BYTES = 16;

/** New request ids: `req_` and 22 base64url characters, as other ids. */
const requestIds = (randomness: Randomness): (() => string) => {
  let drawn: Buffer = Buffer.alloc(0);
  let used = 0;
  return () => {
    if (used === drawn.length) {
      drawn = randomness.bytes(IDS_PER_DRAW * ID_BYTES);
      used = 0;
    }
    used += ID_BYTES;
    return `req_${drawn.toString('base64url', used - ID_BYTES, used)}`;
  };
};

/**
 * Gives each request an id (`X-Request-Id`) and logs one line when it is answered: method, route pattern, status and
 * duration. Never the URL (it may hold a code), the headers or a body.
 */
export const requestLog = (log: Logger, randomness: Randomness): RequestHandler => {
  const newRequestId = requestIds(randomness);
  return (request, response, next) => {
    const foreign = request.get('x-request-id');
    const requestId = foreign && FOREIGN_ID.test(foreign) ? foreign : newRequestId();
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
};
