import { ERROR_CODES, type ErrorCode, type FieldError } from '@authpipe/types';

/** What a problem may tell beside its sentence. Nothing here may hold a secret: all of it is sent to the caller. */
export interface ProblemDetails {
  /** Only with `invalid_request`: which fields, as RFC 6901 pointers. */
  readonly errors?: readonly FieldError[];
  readonly connectionId?: string;
  readonly reason?: string;
  /** Sent as `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** Goes to the log, redacted, never to the caller. */
  readonly cause?: unknown;
}

/**
 * An expected failure, with the code that callers act on. `message` is for people: what happened and what to do next;
 * it is sent to the caller, so it never holds a secret or a provider's text.
 */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ErrorCode;
  readonly details: Omit<ProblemDetails, 'cause'>;

  constructor(code: ErrorCode, message: string, { cause, ...details }: ProblemDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }

  /** HTTP status by the table of codes. */
  get status(): number {
    return ERROR_CODES[this.code].status;
  }

  /** Whether the same request may succeed later, by the table of codes. */
  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }
}
