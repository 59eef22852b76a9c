import { REQUESTED_SCOPE_PARAMETER } from './adapt-authorization-request.js';
import type { ClientRegistry, RegisteredClient } from './client-registry.js';
import { ALL_SCOPES, isApiScope } from './scopes.js';
import { UNKNOWN_SCOPE } from './token-errors.js';

type Parameters = Readonly<Record<string, unknown>>;

/** Why a request to `/authorize` goes back to the app before anybody signs in. */
export interface AuthorizationRefusal {
  error: string;
  error_description: string;
}

/** The rules Okta adds to the protocol's: a `state` of plain characters, known scopes, and at least one it may grant. */
export function checkRequest(
  parameters: Parameters,
  client: RegisteredClient,
): AuthorizationRefusal | undefined {
  const { state } = parameters;
  if (typeof state !== 'string' || state === '') {
    return { error: 'invalid_request', error_description: "The 'state' parameter is required." };
  }
  if (!/^[A-Za-z0-9,._-]+$/.test(state)) {
    return {
      error: 'invalid_request',
      error_description: "The 'state' parameter contains invalid characters.",
    };
  }
  const requested = requestedScopes(parameters);
  if (requested.some((scope) => !ALL_SCOPES.includes(scope))) {
    return { error: 'invalid_scope', error_description: UNKNOWN_SCOPE };
  }
  const apiScopes = requested.filter(isApiScope);
  if (apiScopes.length > 0 && !apiScopes.some((scope) => client.scopes.includes(scope))) {
    return {
      error: 'consent_required',
      error_description: 'You are not allowed any of the requested scopes.',
    };
  }
  return undefined;
}

/**
 * Where a request that forbids every page (`prompt=none`) is sent back to because of its scopes. The library looks at the
 * session first and would say `login_required`; null where there is nothing to say, or nowhere to say it.
 */
export function refuseSilently(parameters: URLSearchParams, clients: ClientRegistry): string | null {
  if (parameters.get('prompt') !== 'none') return null;
  const client = clients.list().find(({ clientId }) => clientId === parameters.get('client_id'));
  const redirectUri = parameters.get('redirect_uri') ?? '';
  if (!client?.active || !client.redirectUris.includes(redirectUri)) return null;
  const asked = {
    state: parameters.get('state'),
    [REQUESTED_SCOPE_PARAMETER]: parameters.get('scope'),
  };
  const refusal = checkRequest(asked, client);
  if (!refusal) return null;
  const url = new URL(redirectUri);
  const { error, error_description } = refusal;
  for (const [name, value] of Object.entries({ error, error_description, state: asked.state ?? '' })) {
    url.searchParams.set(name, value);
  }
  return url.href;
}

/**
 * Splits what was asked for into what the app gets and what it does not. API scopes that no admin granted to the app
 * are left out without a word, and the person's admin role plays no part, as at Okta.
 */
export function scopesToGrant(parameters: Parameters, client: RegisteredClient) {
  const requested = requestedScopes(parameters);
  const mayHave = (scope: string) => !isApiScope(scope) || client.scopes.includes(scope);
  return {
    granted: requested.filter(mayHave),
    withheld: requested.filter((scope) => !mayHave(scope)),
  };
}

function requestedScopes(parameters: Parameters): string[] {
  const scope = parameters[REQUESTED_SCOPE_PARAMETER];
  return typeof scope === 'string' ? [...new Set(scope.split(' ').filter(Boolean))] : [];
}
