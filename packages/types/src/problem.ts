import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from './error-codes.js';

const codes = Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]];

/** One fault of a request's body or query: where it is (RFC 6901 JSON pointer) and what is wrong. */
export const fieldError = z.object({ pointer: z.string(), detail: z.string() });
export type FieldError = z.infer<typeof fieldError>;

/**
 * An error answer, `application/problem+json`.
 * @see RFC 9457 section 3
 */
export const problemDocument = z.object({
  /** Address of the code's page, which the server itself has: `{AUTHPIPE_URL}/docs/errors/{code}`. */
  type: z.string(),
  title: z.string(),
  status: z.int(),
  /** What happened this time and what to do next; never a secret. */
  detail: z.string(),
  code: z.enum(codes),
  /** Whether the same request may succeed later. */
  retryable: z.boolean(),
  /** Also in the `X-Request-Id` header and in the server's log. */
  requestId: z.string(),
  /** Only with `invalid_request`: the fields that are wrong. */
  errors: z.array(fieldError).optional(),
  /** Only with `needs_reconnect` and others about one connection. */
  connectionId: z.string().optional(),
  /** Why the connection is in its state: see `statusReason`. */
  reason: z.string().optional(),
});
export type ProblemDocument = z.infer<typeof problemDocument>;
