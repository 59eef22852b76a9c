import type {
  OAuthCodeMethod,
  OAuthEndpoints,
  Probe,
  ProviderDefinition,
  ScopeDefinition,
  UrlTemplate,
} from './definition.js';
import { textAt } from './oauth-errors.js';
import { confirmsOktaHost, isOktaOrgHost, parseOktaDomain } from './okta-domain.js';
import { readOktaApiAnswer, readOktaTokenError } from './okta-errors.js';
import { readOktaAuthorizationError, SETUP_WITH_KEY, SETUP_WITH_SECRET } from './okta-setup.js';

const MINUTE_SECONDS = 60;
const DAY_SECONDS = 24 * 60 * MINUTE_SECONDS;

/** The org's own authorization server, also behind a domain of the customer's. */
const ORG_SERVER = {
  source: 'discovery',
  issuer: 'https://{domain}',
  metadataPath: '/.well-known/openid-configuration',
  issuerAlias: {
    path: '/.well-known/okta-organization',
    isIssuerHost: isOktaOrgHost,
    confirms: confirmsOktaHost,
  },
} as const satisfies OAuthEndpoints;

/** Scopes of the management API, in the order of the product page. */
const MANAGEMENT_SCOPES = [
  { name: 'okta.users.read', description: 'Read access to users' },
  { name: 'okta.users.manage', description: 'Create, update, and delete users' },
  { name: 'okta.apps.read', description: 'Read access to applications' },
  { name: 'okta.apps.manage', description: 'Create, update, and delete applications' },
  { name: 'okta.groups.read', description: 'Read access to groups' },
  { name: 'okta.groups.manage', description: 'Create, update, and delete groups' },
  { name: 'okta.policies.read', description: 'Read access to policies' },
  { name: 'okta.policies.manage', description: 'Create, update, and delete policies' },
  { name: 'okta.authorizationServers.read', description: 'Read access to authorization servers' },
  {
    name: 'okta.authorizationServers.manage',
    description: 'Create, update, and delete authorization servers',
  },
  { name: 'okta.clients.read', description: 'Read access to OAuth clients' },
  { name: 'okta.clients.manage', description: 'Create, update, and delete OAuth clients' },
  { name: 'okta.logs.read', description: 'Read access to system logs' },
  { name: 'okta.roles.read', description: 'Read access to roles' },
  { name: 'okta.roles.manage', description: 'Create, update, and delete roles' },
] as const satisfies readonly ScopeDefinition[];

/**
 * Okta gives a token each scope of the app, whatever its account may do: only a list shows whether there is a role. It asks
 * for one entry; `users/me` would be answered without any role, and a service app has none.
 */
const listProbe = (url: UrlTemplate, scope: string): Probe => ({
  kind: 'request',
  url,
  scopes: [scope],
  read: readOktaApiAnswer,
});

const LIST_PROBES: readonly Probe[] = [
  listProbe('https://{domain}/api/v1/users?limit=1', 'okta.users.read'),
  listProbe('https://{domain}/api/v1/groups?limit=1', 'okta.groups.read'),
  listProbe('https://{domain}/api/v1/apps?limit=1', 'okta.apps.read'),
];

const USER_OAUTH = {
  id: 'user_oauth',
  kind: 'oauth2',
  name: 'User OAuth',
  description:
    'Standard OAuth 2.0 authorization. A user grants consent and receives an access token. Authpipe handles refresh, rotation, and health monitoring automatically.',
  helpUrl: 'https://developer.okta.com/docs/guides/implement-oauth-for-okta/main/',
  endpoints: ORG_SERVER,
  clientAuthentication: 'client_secret_basic',
  pkce: 'S256',
  openidConnect: true,
  scopes: [
    { name: 'openid', description: 'OpenID Connect authentication' },
    { name: 'profile', description: 'Access to user profile information' },
    { name: 'email', description: 'Access to user email' },
    ...MANAGEMENT_SCOPES,
  ],
  // `openid` brings the ID token that names the account; okta.users.read lets the API itself be probed.
  defaultScopes: ['openid', 'profile', 'email', 'okta.users.read'],
  // Without it Okta gives no refresh token, and the connection would end after an hour.
  impliedScopes: ['offline_access'],
  acceptsOtherScopes: true,
  scopeSeparator: ' ',
  tokenRequestFormat: 'form',
  accessTokenLifetimeSeconds: 60 * MINUTE_SECONDS,
  refreshToken: {
    rotation: 'optional_rotation',
    // The default; an administrator may set 0 to 60.
    graceSeconds: 30,
    // A rotated token inherits its predecessor's end. There is no idle timeout.
    absoluteLifetimeSeconds: 90 * DAY_SECONDS,
  },
  setup: SETUP_WITH_SECRET,
  readAuthorizationError: readOktaAuthorizationError,
  readTokenError: readOktaTokenError,
  account: { url: 'https://{domain}/api/v1/users/me', read: readOktaUser },
  probes: [{ kind: 'introspection' }, { kind: 'userinfo' }, ...LIST_PROBES],
} as const satisfies OAuthCodeMethod;

/** Okta, by the org's own authorization server: the only one that issues `okta.*` scopes. */
export const okta = {
  id: 'okta',
  name: 'Okta',
  category: 'Security',
  description: "Manage users, applications, and policies through Okta's OAuth 2.0 Management API.",
  websiteUrl: 'https://www.okta.com',
  sources: [
    'https://developer.okta.com/docs/reference/api/oidc/',
    'https://developer.okta.com/docs/guides/implement-oauth-for-okta/main/',
    'https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/',
    'https://developer.okta.com/docs/guides/dpop/nonoktaresourceserver/main/',
    'https://developer.okta.com/docs/guides/refresh-tokens/main/',
    'https://developer.okta.com/docs/guides/custom-url-domain/main/',
    'https://developer.okta.com/docs/reference/error-codes/',
    'https://developer.okta.com/docs/reference/rate-limits/',
    'https://developer.okta.com/docs/reference/rl-global-mgmt/',
  ],
  authMethods: [
    USER_OAUTH,
    {
      id: 'service_app',
      kind: 'client_credentials',
      name: 'Service App',
      description:
        'An administrator makes an API Services app in Okta, registers the public key that Authpipe shows, and grants the app its scopes and an admin role. There is no user; Authpipe signs for access tokens that last an hour.',
      helpUrl: 'https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/',
      unlisted: true,
      endpoints: ORG_SERVER,
      // Okta refuses a client secret for okta.* scopes without a user.
      clientAuthentication: 'private_key_jwt',
      scopes: MANAGEMENT_SCOPES,
      defaultScopes: ['okta.users.read'],
      acceptsOtherScopes: true,
      scopeSeparator: ' ',
      tokenRequestFormat: 'form',
      accessTokenLifetimeSeconds: 60 * MINUTE_SECONDS,
      readTokenError: readOktaTokenError,
      probes: LIST_PROBES,
    },
    {
      ...USER_OAUTH,
      id: 'user_oauth_key',
      name: 'User OAuth, signed',
      description:
        'The same without a client secret: the app in Okta fetches the public key that Authpipe shows, and Authpipe signs each request.',
      unlisted: true,
      clientAuthentication: 'private_key_jwt',
      setup: SETUP_WITH_KEY,
    },
  ],
  config: {
    domain: {
      kind: 'host',
      label: 'Okta domain',
      description: 'The host where you sign in to Okta: your org’s name at Okta, or your own domain for it.',
      example: 'acme.okta.com',
      required: true,
      helpUrl: 'https://developer.okta.com/docs/guides/find-your-domain/main/',
      parse: parseOktaDomain,
    },
  },
  api: {
    baseUrl: 'https://{domain}',
    rateLimit: {
      limit: 'x-rate-limit-limit',
      remaining: 'x-rate-limit-remaining',
      reset: 'x-rate-limit-reset',
      resetUnit: 'epoch_seconds',
    },
    // By org and endpoint, as for listing users. Other endpoints and orgs have less or more (20 to 1,200), and say so in
    // each answer.
    limit: { requests: 600, perSeconds: 60, countedPer: 'host' },
    readError: readOktaApiAnswer,
  },
  // Event hooks: the administrator types the header's name, Authorization as a rule, and its whole value.
  webhooks: {
    kind: 'shared_secret',
    header: 'authorization',
    headerIsChosen: true,
    source: 'https://developer.okta.com/docs/guides/set-up-event-hook/-/register-your-endpoint/',
  },
} as const satisfies ProviderDefinition;

/** The account of `GET /api/v1/users/me`; its id is the `sub` of the org's ID tokens. */
function readOktaUser(body: unknown): { id: string; name?: string; email?: string } | null {
  const id = textAt(body, 'id');
  if (id === '') return null;
  const profile: unknown =
    typeof body === 'object' && body !== null ? Reflect.get(body, 'profile') : undefined;
  const name = [textAt(profile, 'firstName'), textAt(profile, 'lastName')].filter(Boolean).join(' ');
  const email = textAt(profile, 'email');
  return { id, ...(name ? { name } : {}), ...(email ? { email } : {}) };
}
