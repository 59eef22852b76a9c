import type { HttpAnswer, ProbeVerdict, TokenErrorVerdict } from './definition.js';
import {
  bearerErrorOf,
  readBearerAnswer,
  readTokenErrorBy,
  type TokenErrorRow,
  textAt,
} from './oauth-errors.js';

/**
 * Okta's token errors that differ from the standard, or whose words tell more. Rate limits and outages never get here:
 * Okta answers a rate limit with 429 and `invalid_grant`, and 429 is told by its status.
 *
 * @see https://developer.okta.com/docs/reference/api/oidc/#possible-errors-3
 */
export const OKTA_TOKEN_ERRORS: readonly TokenErrorRow[] = [
  {
    error: 'invalid_grant',
    description: /authorization code|PKCE|redirect_uri/i,
    verdict: {
      outcome: 'code_rejected',
      reason: null,
      detail:
        'Okta did not accept the authorization code: it is used up, older than 5 minutes, or was asked for in another way. Start connecting again.',
    },
  },
  {
    error: 'invalid_grant',
    verdict: {
      outcome: 'reconnect',
      reason: 'revoked',
      detail: 'Okta no longer accepts the refresh token. The user has to connect again.',
    },
  },
  {
    status: 403,
    error: 'access_denied',
    verdict: {
      outcome: 'configuration',
      reason: 'configuration',
      detail:
        'Okta refuses the address that the request came from. An administrator has to add it to the app’s network zones.',
    },
  },
  {
    error: 'access_denied',
    description: /not assigned/i,
    verdict: {
      outcome: 'configuration',
      reason: 'configuration',
      detail: 'The user is not assigned to the Okta app. An administrator has to assign the user.',
    },
  },
  {
    error: 'access_denied',
    verdict: {
      outcome: 'configuration',
      reason: 'configuration',
      detail:
        'Okta denied access to the app. An administrator has to check its assignments and sign-in policy.',
    },
  },
  {
    error: 'consent_required',
    verdict: {
      outcome: 'configuration',
      reason: 'consent_required',
      detail:
        'None of the scopes is granted to the Okta app. A super administrator has to grant them under “Okta API Scopes”.',
    },
  },
  {
    error: 'invalid_scope',
    verdict: {
      outcome: 'configuration',
      reason: 'configuration',
      detail:
        'Okta does not know one of the scopes. Only the org’s own authorization server has okta.* scopes.',
    },
  },
  {
    error: 'invalid_client',
    description: /inactive|not active|deactivated|disabled/i,
    verdict: {
      outcome: 'integration',
      reason: 'app_deactivated',
      detail: 'The Okta app is not active. An administrator has to activate it; nobody has to reconnect.',
    },
  },
  {
    error: 'invalid_client',
    verdict: {
      outcome: 'integration',
      reason: 'client_secret_invalid',
      detail:
        'Okta refused the integration’s client ID or client secret. Set them anew on the integration; nobody has to reconnect.',
    },
  },
];

/** What an error answer of `/oauth2/v1/token` means. */
export function readOktaTokenError(answer: HttpAnswer): TokenErrorVerdict {
  return readTokenErrorBy(OKTA_TOKEN_ERRORS, answer);
}

/**
 * What Okta's error codes say of the token. Only `errorCode` is stable, and it comes with more than one status.
 *
 * @see https://developer.okta.com/docs/reference/error-codes/
 */
const OKTA_API_ERRORS: Readonly<Record<string, ProbeVerdict>> = {
  // Authentication failed.
  E0000004: { result: 'dead', reason: 'revoked' },
  // Invalid session: an endpoint that takes no OAuth token at all.
  E0000005: { result: 'inconclusive', reason: null },
  // The token is good, but its user has no admin role that allows the call.
  E0000006: { result: 'degraded', reason: 'role_lost' },
  // Invalid token.
  E0000011: { result: 'dead', reason: 'revoked' },
  // Feature not enabled for the org: a 401 that says nothing of the token.
  E0000015: { result: 'inconclusive', reason: null },
  // Too many requests.
  E0000047: { result: 'inconclusive', reason: 'rate_limited' },
};

/** What an answer of Okta's management API says of the token. */
export function readOktaApiAnswer(answer: HttpAnswer): ProbeVerdict {
  // A missing scope has an empty body: the challenge alone tells.
  const challenge = bearerErrorOf(answer);
  if (challenge === 'insufficient_scope') return { result: 'degraded', reason: 'scope_lost' };
  // An administrator has switched DPoP on: a bearer token is refused however good it is.
  if (challenge === 'invalid_dpop_proof' || challenge === 'use_dpop_nonce') {
    return { result: 'degraded', reason: 'configuration' };
  }
  const known =
    answer.status >= 400 && answer.status < 500
      ? OKTA_API_ERRORS[textAt(answer.body, 'errorCode')]
      : undefined;
  return known ?? readBearerAnswer(answer);
}
