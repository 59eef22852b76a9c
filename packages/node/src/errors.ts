import { ERROR_CODES, type ErrorCode, type FieldError, type SdkErrorCode } from '@authpipe/types';

/** A code that this client's errors carry; each has a page under `docs/errors/`. */
export type AuthpipeErrorCode = ErrorCode | SdkErrorCode;

/** What an error tells beside its code and message. Nothing here is ever a secret. */
export interface AuthpipeErrorDetails {
  /** HTTP status of the answer, where there was one. */
  readonly status?: number | undefined;
  /** Whether the same call may succeed later; by the table of codes when left out. */
  readonly retryable?: boolean | undefined;
  /** The server's name for the request: the same in its log. */
  readonly requestId?: string | undefined;
  readonly connectionId?: string | undefined;
  /** Why the connection is in its state, such as `revoked`; with `webhook_invalid`, which check failed. */
  readonly reason?: string | undefined;
  /** With `invalid_request`: which fields, as RFC 6901 pointers. */
  readonly errors?: readonly FieldError[] | undefined;
  /** With `insufficient_scope`: what the call needs and the credential lacks; empty where the provider names none. */
  readonly missingScopes?: readonly string[] | undefined;
  /** How long the server asks to wait before the next try. */
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

/**
 * The one error that this client throws (an aborted call rejects with its signal's reason instead, as `fetch` does).
 * `code` is for programs, `message` says to people what happened and what to do next.
 */
export class AuthpipeError extends Error {
  override readonly name = 'AuthpipeError';
  readonly code: AuthpipeErrorCode;
  /** Whether the same call may succeed later. The client has retried already where that was safe. */
  readonly retryable: boolean;
  declare readonly status?: number;
  declare readonly requestId?: string;
  declare readonly connectionId?: string;
  declare readonly reason?: string;
  declare readonly errors?: readonly FieldError[];
  declare readonly missingScopes?: readonly string[];
  declare readonly retryAfterSeconds?: number;

  constructor(code: AuthpipeErrorCode, message: string, details: AuthpipeErrorDetails = {}) {
    const { cause, retryable, ...told } = details;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryable = retryable ?? isRetryable(code);
    for (const [name, value] of Object.entries(told)) {
      if (value !== undefined) Object.defineProperty(this, name, { value, enumerable: true });
    }
  }
}

const isRetryable = (code: AuthpipeErrorCode): boolean =>
  code === 'server_unreachable' || (code in ERROR_CODES && ERROR_CODES[code as ErrorCode].retryable);

/** One field of the call is wrong: names it. `detail` has no full stop. */
export const invalidField = (field: string, detail: string): AuthpipeError =>
  new AuthpipeError('invalid_request', `${field}: ${detail}.`, {
    errors: [{ pointer: `/${field}`, detail }],
  });

/** The call itself is wrong: says which field and how. */
export const invalidRequest = (message: string, pointer?: string): AuthpipeError =>
  new AuthpipeError('invalid_request', message, {
    errors: pointer === undefined ? undefined : [{ pointer, detail: message }],
  });
