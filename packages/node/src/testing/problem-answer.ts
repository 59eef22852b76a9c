import { ERROR_CODES, type ErrorCode, type ProblemDocument } from '@authpipe/types';
import { AuthpipeError } from '../errors.js';

/** The problem document of what a handler threw. @see RFC 9457 */
export const problemOf = (error: unknown): ProblemDocument => {
  if (!(error instanceof AuthpipeError) || !(error.code in ERROR_CODES)) throw error;
  const code = error.code as ErrorCode;
  const { title, status } = ERROR_CODES[code];
  return {
    type: `https://authpipe.test/docs/errors/${code}`,
    ...{ title, status, detail: error.message, code },
    retryable: error.retryable,
    requestId: 'req_test',
    ...(error.errors === undefined ? {} : { errors: [...error.errors] }),
    ...(error.connectionId === undefined ? {} : { connectionId: error.connectionId }),
    ...(error.reason === undefined ? {} : { reason: error.reason }),
  };
};

/** The HTTP answer of what a handler threw. */
export const problemAnswer = (error: unknown): Response => {
  const problem = problemOf(error);
  const { retryAfterSeconds } = error as AuthpipeError;
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: {
      'content-type': 'application/problem+json',
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    },
  });
};
