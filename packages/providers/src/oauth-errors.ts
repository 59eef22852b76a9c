import type { HttpAnswer, ProbeVerdict, TokenErrorVerdict } from './definition.js';

/** The members of an OAuth error answer; empty strings where there are none. @see RFC 6749 section 5.2 */
export interface OAuthError {
  readonly error: string;
  readonly description: string;
}

/** Reads `error` and `error_description` from any body whatever; what is not a string counts as missing. */
export function readOAuthError(body: unknown): OAuthError {
  return { error: textAt(body, 'error'), description: textAt(body, 'error_description') };
}

/** A row of a provider's token error table; the first that matches tells the verdict. */
export interface TokenErrorRow {
  /** HTTP status; any where left out. */
  readonly status?: number;
  readonly error: string;
  /** What the description holds; any where left out. Vendors reuse one `error` for things that differ. */
  readonly description?: RegExp;
  readonly verdict: TokenErrorVerdict;
}

const RATE_LIMITED: TokenErrorVerdict = {
  outcome: 'transient',
  reason: 'rate_limited',
  detail: 'The provider is limiting the rate of token requests. It is tried again later.',
};

const PROVIDER_DOWN: TokenErrorVerdict = {
  outcome: 'transient',
  reason: 'provider_down',
  detail: 'The provider could not answer. It is tried again later.',
};

const UNREADABLE: TokenErrorVerdict = {
  outcome: 'transient',
  reason: 'provider_down',
  detail: 'The provider’s token endpoint refused without an OAuth error. It is tried again later.',
};

/** What the registered errors mean where a provider says nothing else. @see RFC 6749 section 5.2 */
const STANDARD_ROWS: readonly TokenErrorRow[] = [
  { error: 'temporarily_unavailable', verdict: PROVIDER_DOWN },
  { error: 'server_error', verdict: PROVIDER_DOWN },
  { error: 'slow_down', verdict: RATE_LIMITED },
  {
    error: 'use_dpop_nonce',
    verdict: {
      outcome: 'use_dpop_nonce',
      reason: null,
      detail: 'The provider wants the DPoP proof repeated with the nonce of its answer.',
    },
  },
  {
    error: 'invalid_dpop_proof',
    verdict: {
      outcome: 'configuration',
      reason: 'configuration',
      detail:
        'The OAuth app wants a DPoP proof that it accepts. Set dpop on the integration, and check the clock of the server.',
    },
  },
  {
    error: 'invalid_grant',
    description: /authorization code|\bcode\b|pkce|verifier|redirect_uri|redirect uri/i,
    verdict: {
      outcome: 'code_rejected',
      reason: null,
      detail: 'The provider did not accept the authorization code. Start connecting again.',
    },
  },
  {
    error: 'invalid_grant',
    verdict: {
      outcome: 'reconnect',
      reason: 'revoked',
      detail: 'The provider no longer accepts the refresh token. The user has to connect again.',
    },
  },
  ...['consent_required', 'interaction_required', 'login_required'].map(
    (error): TokenErrorRow => ({
      error,
      verdict: {
        outcome: 'reconnect',
        reason: 'consent_required',
        detail: 'The provider wants the user to sign in or consent again. The user has to connect again.',
      },
    }),
  ),
  {
    error: 'invalid_client',
    verdict: {
      outcome: 'integration',
      reason: 'client_secret_invalid',
      detail:
        'The provider refused the integration’s client ID or client secret. Set them anew on the integration; nobody has to reconnect.',
    },
  },
  {
    error: 'unauthorized_client',
    verdict: {
      outcome: 'integration',
      reason: 'configuration',
      detail: 'The OAuth app may not use this grant. Allow the grant types on the app at the provider.',
    },
  },
  {
    error: 'unsupported_grant_type',
    verdict: {
      outcome: 'integration',
      reason: 'configuration',
      detail:
        'The provider does not offer this grant to the OAuth app. Allow the grant types on the app at the provider.',
    },
  },
  {
    error: 'invalid_scope',
    verdict: {
      outcome: 'configuration',
      reason: 'configuration',
      detail:
        'The provider does not grant the scopes that were asked for. Allow them on the OAuth app, or ask for others.',
    },
  },
  {
    error: 'access_denied',
    verdict: {
      outcome: 'configuration',
      reason: 'configuration',
      detail:
        'The provider denied access to the OAuth app. An administrator has to allow it at the provider.',
    },
  },
  {
    error: 'invalid_request',
    verdict: {
      outcome: 'configuration',
      reason: 'configuration',
      detail:
        'The provider could not use the token request. Compare the integration with the OAuth app at the provider.',
    },
  },
];

/**
 * Tells what a token endpoint's error means by status first, then by the provider's rows, then by the standard. 429 and
 * 5xx are transient whatever the body says; what can't be read is transient too, so that a strange answer never makes a
 * person reconnect.
 */
export function readTokenErrorBy(rows: readonly TokenErrorRow[], answer: HttpAnswer): TokenErrorVerdict {
  if (answer.status === 429) return RATE_LIMITED;
  if (answer.status >= 500) return PROVIDER_DOWN;
  const { error, description } = readOAuthError(answer.body);
  const row = [...rows, ...STANDARD_ROWS].find(
    (candidate) =>
      candidate.error === error &&
      (candidate.status ?? answer.status) === answer.status &&
      (candidate.description?.test(description) ?? true),
  );
  return row?.verdict ?? UNREADABLE;
}

/** Token errors of a provider that keeps to the standard. @see RFC 6749 section 5.2 */
export function readStandardTokenError(answer: HttpAnswer): TokenErrorVerdict {
  return readTokenErrorBy([], answer);
}

/**
 * What an answer of an API says of a bearer token, by status and `WWW-Authenticate`: 401 dead, a missing scope or any
 * other 403 degraded, 429 and 5xx nothing.
 *
 * @see RFC 6750 section 3.1
 */
export function readBearerAnswer(answer: HttpAnswer): ProbeVerdict {
  const { status } = answer;
  if (status >= 200 && status < 300) return { result: 'ok', reason: null };
  if (status === 429) return { result: 'inconclusive', reason: 'rate_limited' };
  if (status >= 500) return { result: 'inconclusive', reason: 'provider_down' };
  if (status === 401) return { result: 'dead', reason: 'revoked' };
  if (status !== 403) return { result: 'inconclusive', reason: null };
  return {
    result: 'degraded',
    reason: bearerErrorOf(answer) === 'insufficient_scope' ? 'scope_lost' : 'role_lost',
  };
}

/** The `error` of a `WWW-Authenticate` challenge; empty where there is none. @see RFC 6750 section 3 */
export function bearerErrorOf({ headers }: HttpAnswer): string {
  return /\berror="?([a-z_]+)"?/i.exec(headers['www-authenticate'] ?? '')?.[1]?.toLowerCase() ?? '';
}

/** The string at a body's own property; empty where the body is no object or holds something else. */
export function textAt(body: unknown, name: string): string {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, name)) return '';
  const value: unknown = Reflect.get(body, name);
  return typeof value === 'string' ? value : '';
}
