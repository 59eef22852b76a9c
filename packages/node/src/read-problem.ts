import { ERROR_CODES, type ErrorCode, type FieldError } from '@authpipe/types';
import { AuthpipeError, type AuthpipeErrorDetails } from './errors.js';

/** An error answer as it came in. */
export interface RefusedAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** Where it came from, for the message: an origin. */
  readonly origin: string;
  readonly now: number;
}

/**
 * Turns an error answer into an `AuthpipeError`. Only a problem document with a `code` is Authpipe's own word; anything
 * else came from something between (a proxy, a wrong `baseUrl`) and is `server_unreachable`, so that a gateway's HTML
 * page can't make the client believe that a connection is gone.
 * @see RFC 9457 section 3
 */
export const readProblem = (answer: RefusedAnswer): AuthpipeError => {
  const { status, headers } = answer;
  const retryAfterSeconds = readRetryAfter(headers.get('retry-after'), answer.now);
  const problem = parseObject(answer.body);
  const requestId = text(problem?.requestId) ?? headers.get('x-request-id') ?? undefined;
  const code = problem === undefined ? undefined : codeOf(problem, status);
  if (problem === undefined || code === undefined) {
    return new AuthpipeError('server_unreachable', strangerMessage(answer), {
      status,
      requestId,
      retryAfterSeconds,
      retryable: status === 429 || status >= 500,
    });
  }
  return errorOf(code, problem, { status, requestId, retryAfterSeconds });
};

/** Turns a problem document that stands inside an answer into an `AuthpipeError`; `undefined` where it is none. */
export const readProblemPart = (json: unknown): AuthpipeError | undefined => {
  if (typeof json !== 'object' || json === null) return undefined;
  const problem = { ...json } as Record<string, unknown>;
  const status = typeof problem.status === 'number' ? problem.status : 500;
  const code = codeOf(problem, status);
  return code === undefined
    ? undefined
    : errorOf(code, problem, { status, requestId: text(problem.requestId) });
};

const errorOf = (
  code: ErrorCode,
  problem: Record<string, unknown>,
  details: AuthpipeErrorDetails,
): AuthpipeError =>
  new AuthpipeError(code, text(problem.detail) ?? ERROR_CODES[code].title, {
    ...details,
    retryable: typeof problem.retryable === 'boolean' ? problem.retryable : undefined,
    connectionId: text(problem.connectionId),
    reason: text(problem.reason),
    errors: fieldErrors(problem.errors),
  });

const strangerMessage = ({ status, headers, origin }: RefusedAnswer): string => {
  const location = headers.get('location');
  if (status >= 300 && status < 400 && location !== null && URL.canParse(location, origin)) {
    return `${origin} redirects to ${new URL(location, origin).origin}: set baseUrl to the final address, the API key is not sent along.`;
  }
  return `The answer from ${origin} (status ${status}) is not Authpipe's: check baseUrl and what stands between.`;
};

/** A newer server may have codes this client does not know: they are read by their status. */
const codeOf = (problem: Record<string, unknown>, status: number): ErrorCode | undefined => {
  if (typeof problem.code !== 'string') return undefined;
  if (Object.hasOwn(ERROR_CODES, problem.code)) return problem.code as ErrorCode;
  if (status === 401) return 'unauthorized';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not_found';
  if (status === 409) return 'conflict';
  if (status === 429) return 'rate_limited';
  if (status === 503) return 'provider_unavailable';
  return status >= 500 ? 'internal_error' : 'invalid_request';
};

const parseObject = (body: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
};

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const fieldErrors = (value: unknown): FieldError[] | undefined => {
  if (!Array.isArray(value)) return undefined;
  return value.flatMap((item: unknown) => {
    if (typeof item !== 'object' || item === null) return [];
    const { pointer, detail } = item as { pointer?: unknown; detail?: unknown };
    return typeof pointer === 'string' && typeof detail === 'string' ? [{ pointer, detail }] : [];
  });
};

/** Seconds, or an HTTP date. @see RFC 9110 section 10.2.3 */
const readRetryAfter = (header: string | null, now: number): number | undefined => {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header);
  const time = Date.parse(header);
  return Number.isNaN(time) ? undefined : Math.max(0, Math.ceil((time - now) / 1_000));
};
