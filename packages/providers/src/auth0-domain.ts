import type { ParsedField } from './definition.js';
import { parsePublicHost } from './public-host.js';

const EXAMPLE = 'acme.eu.auth0.com';

/** Auth0's own sites, which look like tenants. */
const NOT_A_TENANT = new Set([
  'auth0.com',
  'manage.auth0.com',
  'www.auth0.com',
  'login.auth0.com',
  'support.auth0.com',
]);

/**
 * Accepts a tenant's own host: `acme.eu.auth0.com`, or `acme.auth0.com` of the first tenants. A custom domain is refused:
 * the Management API is known by the tenant's own host only.
 */
export function parseAuth0Domain(typed: string): ParsedField {
  return parsePublicHost(typed, { example: EXAMPLE, accept: acceptTenant });
}

function acceptTenant(host: string): ParsedField {
  if (NOT_A_TENANT.has(host)) {
    return {
      ok: false,
      error: `“${host}” is Auth0’s own site. Type your tenant’s host, such as ${EXAMPLE}.`,
    };
  }
  if (!/^[a-z0-9-]+(?:\.[a-z0-9-]+)?\.auth0\.com$/.test(host)) {
    return {
      ok: false,
      error: `The Management API is reached at the tenant’s own host, not at a custom domain. Type a host such as ${EXAMPLE}.`,
    };
  }
  return { ok: true, value: host };
}
