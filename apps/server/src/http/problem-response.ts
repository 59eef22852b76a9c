import { ERROR_CODES, type ProblemDocument } from '@authpipe/types';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { Problem } from '../errors/problem.js';
import type { Logger } from '../log/logger.js';

/** The id that ties an answer to its log lines. */
export const requestIdOf = (response: Response): string => String(response.getHeader('x-request-id') ?? '');

/**
 * The answer's body by RFC 9457.
 * @param publicUrl without a trailing slash; this server has the code's page, so `type` leads there
 */
export const problemDocumentOf = (
  problem: Problem,
  requestId: string,
  publicUrl: string,
): ProblemDocument => ({
  type: `${publicUrl}/docs/errors/${problem.code}`,
  title: ERROR_CODES[problem.code].title,
  status: problem.status,
  detail: problem.message,
  code: problem.code,
  retryable: problem.retryable,
  requestId,
  ...(problem.details.errors ? { errors: [...problem.details.errors] } : {}),
  ...(problem.details.connectionId ? { connectionId: problem.details.connectionId } : {}),
  ...(problem.details.reason ? { reason: problem.details.reason } : {}),
});

/** What Express and its body parser say of a request that they refuse. */
interface HttpError {
  readonly type: unknown;
  readonly status: unknown;
}

/** Turns whatever was thrown into a problem: expected ones as they are, the rest without any of their text. */
export const toProblem = (error: unknown): Problem => {
  if (error instanceof Problem) return error;
  const { type, status } = error instanceof Error ? (error as Partial<HttpError>) : {};
  if (type === 'entity.parse.failed') {
    return new Problem('invalid_request', 'The body is not valid JSON.', {
      errors: [{ pointer: '', detail: 'must be JSON' }],
    });
  }
  if (type === 'entity.too.large') return new Problem('invalid_request', 'The body is larger than 256 KiB.');
  if (error instanceof URIError)
    return new Problem('invalid_request', 'The path is not valid percent-encoding.');
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new Problem('invalid_request', 'The body could not be read: send UTF-8 JSON with its length.');
  }
  return new Problem(
    'internal_error',
    'Authpipe failed to answer. Try again; the request id leads to the log.',
    {
      cause: error,
    },
  );
};

/** The last handler: answers every error as a problem document, and logs what was not expected. */
export const problemResponse =
  (log: Logger, publicUrl: string): ErrorRequestHandler =>
  (error: unknown, request: Request, response: Response, next) => {
    const problem = toProblem(error);
    const requestId = requestIdOf(response);
    if (problem.code === 'internal_error')
      log.error({ err: problem.cause ?? problem, requestId, method: request.method }, 'request failed');
    if (response.headersSent) {
      next(error);
      return;
    }
    const { retryAfterSeconds } = problem.details;
    if (retryAfterSeconds !== undefined)
      response.setHeader('Retry-After', String(Math.ceil(retryAfterSeconds)));
    if (problem.code === 'unauthorized') response.setHeader('WWW-Authenticate', 'Bearer');
    response
      .status(problem.status)
      .type('application/problem+json')
      .json(problemDocumentOf(problem, requestId, publicUrl));
  };

/** For addresses that nothing answers. */
export const notFound: RequestHandler = (request) => {
  // The path is not repeated: somebody may have put a key there.
  throw new Problem('not_found', `There is nothing to ${request.method} at this path: see /openapi.json.`);
};
