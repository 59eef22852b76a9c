import type { errors } from 'oidc-provider';

/** A token endpoint's refusal in Okta's words. */
export interface OktaTokenError {
  status: number;
  error: string;
  description: string;
}

/** Okta's words where a refresh token is unknown, over, revoked or used again. It does not say which. */
export const REFRESH_TOKEN_INVALID = 'The refresh token is invalid or expired.';

/** The library calls these faults of a proof `invalid_grant`, which would look like a dead grant. */
const NO_PROOF = /^DPoP proof JWT not provided$/;
const PROOF_REPLAYED = /^DPoP proof JWT Replay detected$/;
const PROOF_MISSING = 'The DPoP proof JWT header is missing.';

/** The answer to an app whose tokens have to be bound to a key, and that sent no proof of one. */
export const PROOF_LEFT_OUT: OktaTokenError = {
  ...{ status: 400, error: 'invalid_dpop_proof', description: PROOF_MISSING },
};

/**
 * Says in Okta's words what oidc-provider refused. Clients tell failures apart by status, `error` and description, so
 * the sandbox must not answer in the library's.
 *
 * @param failure the library's error; its `error_detail` is never sent to clients.
 * @param grantType the request's, where it had one.
 */
export function toOktaTokenError(failure: errors.OIDCProviderError, grantType: unknown): OktaTokenError {
  const detail = failure.error_detail ?? '';
  const description = failure.error_description ?? '';
  if (NO_PROOF.test(detail)) return PROOF_LEFT_OUT;
  if (PROOF_REPLAYED.test(detail)) {
    return { status: 400, error: 'invalid_dpop_proof', description: 'The DPoP proof JWT was used before.' };
  }
  switch (failure.error) {
    case 'use_dpop_nonce':
      return {
        status: 400,
        error: 'use_dpop_nonce',
        description: 'Authorization server requires nonce in DPoP proof.',
      };
    case 'invalid_client':
      return { status: 401, error: 'invalid_client', description: clientProblem(detail) };
    case 'invalid_grant':
      return { status: 400, error: 'invalid_grant', description: grantProblem(detail, grantType) };
    case 'invalid_scope':
      // A refresh may only keep or narrow its scopes; Okta calls a wider one denied, not invalid.
      return grantType === 'refresh_token'
        ? {
            status: 400,
            error: 'access_denied',
            description: 'The requested scope exceeds the scope granted.',
          }
        : grantType === 'client_credentials'
          ? {
              status: 400,
              error: 'consent_required',
              description: 'You are not allowed any of the requested scopes.',
            }
          : { status: 400, error: 'invalid_scope', description: UNKNOWN_SCOPE };
    case 'unsupported_grant_type':
      return {
        status: 400,
        error: 'unsupported_grant_type',
        description: 'The authorization grant type is not supported by the authorization server.',
      };
    case 'invalid_request':
      return requestProblem(description);
    default:
      return { status: failure.statusCode, error: failure.error, description };
  }
}

/** Okta's words for a scope it does not know. */
export const UNKNOWN_SCOPE = 'One or more scopes are not configured for the authorization server resource.';

const CLIENT_AUTHENTICATION_FAILED =
  'Client authentication failed. Either the client or the client credentials are invalid.';

function clientProblem(detail: string): string {
  if (detail === 'invalid secret provided') {
    return 'The client secret supplied for a confidential client is invalid.';
  }
  return detail === 'client not found'
    ? "Invalid value for 'client_id' parameter."
    : CLIENT_AUTHENTICATION_FAILED;
}

function grantProblem(detail: string, grantType: unknown): string {
  if (grantType === 'refresh_token') return REFRESH_TOKEN_INVALID;
  if (detail.startsWith('code_verifier')) return 'PKCE verification failed.';
  if (detail.includes('redirect_uri')) {
    return "The 'redirect_uri' does not match the redirection URI used in the authorization request.";
  }
  return 'The authorization code is invalid or has expired.';
}

function requestProblem(description: string): OktaTokenError {
  if (description === 'requested grant type is not allowed for this client') {
    return {
      status: 400,
      error: 'unauthorized_client',
      description: 'The client is not authorized to use the provided grant type.',
    };
  }
  if (description === 'no client authentication mechanism provided') {
    return { status: 401, error: 'invalid_client', description: CLIENT_AUTHENTICATION_FAILED };
  }
  if (description.includes('only be provided using one mechanism')) {
    return {
      status: 400,
      error: 'invalid_request',
      description:
        'Cannot supply multiple client credentials. Use either the Authorization header or the request body.',
    };
  }
  return { status: 400, error: 'invalid_request', description };
}
