/**
 * Every error that Authpipe answers with, in one table: its HTTP status, whether the same request may
 * succeed later, and a short title (RFC 9457 `title`). Each code has a page under `docs/errors/`.
 */
export const ERROR_CODES = {
  invalid_request: { status: 400, retryable: false, title: 'The request is not valid' },
  unauthorized: { status: 401, retryable: false, title: 'The API key or session is not accepted' },
  connection_limit_reached: { status: 402, retryable: false, title: 'The limit of connections is reached' },
  forbidden: { status: 403, retryable: false, title: 'The API key may not do this' },
  not_found: { status: 404, retryable: false, title: 'There is nothing at this address' },
  connection_not_found: { status: 404, retryable: false, title: 'There is no such connection' },
  needs_reconnect: { status: 409, retryable: false, title: 'A person has to connect this account again' },
  connection_ambiguous: { status: 409, retryable: false, title: 'Several connections fit' },
  integration_not_configured: { status: 409, retryable: false, title: 'The integration is not set up' },
  conflict: { status: 409, retryable: false, title: 'The request contradicts an earlier one' },
  session_expired: { status: 410, retryable: false, title: 'The connect session is over' },
  access_denied: { status: 403, retryable: false, title: 'Access was declined at the provider' },
  account_mismatch: {
    status: 409,
    retryable: false,
    title: 'Another account signed in than the one expected',
  },
  provider_error: { status: 502, retryable: false, title: 'The provider refused the request' },
  rate_limited: { status: 429, retryable: true, title: 'Too many requests' },
  internal_error: { status: 500, retryable: true, title: 'Authpipe failed' },
  provider_unavailable: { status: 503, retryable: true, title: 'The provider does not answer' },
} as const satisfies Record<string, ErrorCodeEntry>;

/** What the table says of one code. */
export interface ErrorCodeEntry {
  /** HTTP status of an answer that carries the code. */
  readonly status: number;
  /** Whether repeating the same request may succeed. */
  readonly retryable: boolean;
  /** RFC 9457 `title`: the same for every occurrence. */
  readonly title: string;
}

/** A code that the server answers with. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Codes that only the SDK raises: no answer came, the provider refused a scope, or a webhook is not from who it says. */
export type SdkErrorCode = 'server_unreachable' | 'insufficient_scope' | 'webhook_invalid';
