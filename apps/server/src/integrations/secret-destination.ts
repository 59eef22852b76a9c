import type { AuthMethod } from '@authpipe/providers';

/** Addresses that requests with the client's secret go to, as the definition writes them. */
const addressesOf = (method: AuthMethod): readonly (string | undefined)[] => {
  if (method.kind !== 'oauth2' && method.kind !== 'client_credentials') return [];
  const { endpoints } = method;
  // What discovery finds is decided by the issuer.
  if (endpoints.source === 'discovery') return [endpoints.issuer];
  return [endpoints.token, endpoints.revocation, endpoints.introspection];
};

/**
 * Settings that decide where a client secret is sent: Okta's `domain`. They have to be fixed on the integration that
 * holds the secret, since whoever types one elsewhere would choose who gets it.
 */
export const secretDestinationFields = (method: AuthMethod): string[] => {
  const templates = addressesOf(method).join(' ');
  return [...new Set(Array.from(templates.matchAll(/\{(\w+)\}/g), ([, field]) => field ?? ''))];
};
