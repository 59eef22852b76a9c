import type { RequestHandler, Response } from 'express';
import { traceIdOf, withLogContext } from '../log/log-context.js';
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

/** No answer left whole: the caller gave up first. As nginx calls it; no answer ever says so. */
const CALLER_GONE = 499;

/** What is told of each request when it is answered, or its caller has given up. */
export interface AnsweredRequest {
  readonly method: string;
  /** The pattern of the route: never the URL, which may hold a code. `other` where none matched. */
  readonly route: string;
  /** As answered, or `CALLER_GONE`. */
  readonly status: number;
  readonly seconds: number;
}

export interface RequestLogDependencies {
  readonly log: Logger;
  readonly randomness: Randomness;
  readonly monotonicMillis: () => number;
  readonly observe: (answered: AnsweredRequest) => void;
}

/** A stream of events has no end of its own: a reader that leaves it has not given up. */
const isEndless = (response: Response): boolean =>
  response.headersSent && String(response.getHeader('content-type')).startsWith('text/event-stream');

const endOf = (response: Response): number =>
  response.writableFinished || isEndless(response) ? response.statusCode : CALLER_GONE;

/**
 * Gives each request an id (`X-Request-Id`), which all lines of the log have that are written for it, with the id of the
 * caller's trace (`traceparent`); measures it, and logs one line (`debug`) when it is answered or its caller has given up.
 * Never the URL, the headers or a body.
 */
export const requestLog = ({
  log,
  randomness,
  monotonicMillis,
  observe,
}: RequestLogDependencies): RequestHandler => {
  const newRequestId = requestIds(randomness);
  return (request, response, next) => {
    const foreign = request.get('x-request-id');
    const requestId = foreign && FOREIGN_ID.test(foreign) ? foreign : newRequestId();
    const traceId = traceIdOf(request.get('traceparent'));
    const context = traceId === undefined ? { requestId } : { requestId, trace_id: traceId };
    response.setHeader('X-Request-Id', requestId);
    const startedAtMillis = monotonicMillis();
    // Not `finish`, which never comes when the caller hangs up first.
    response.once('close', () => {
      const pattern: unknown = request.route?.path;
      const seconds = (monotonicMillis() - startedAtMillis) / 1000;
      const route = typeof pattern === 'string' ? `${request.baseUrl}${pattern}` : 'other';
      const answered = { method: request.method, route, status: endOf(response), seconds };
      observe(answered);
      if (!log.isLevelEnabled('debug')) return;
      const { method, status } = answered;
      const durationMillis = Math.round(seconds * 1000);
      // Told apart from the request's own time: the context may be another one's here.
      log.debug(
        { ...context, method, route, status, durationMillis },
        status === CALLER_GONE ? 'given up by its caller' : 'answered',
      );
    });
    withLogContext(context, next);
  };
};
