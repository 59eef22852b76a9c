import { parseAuth0Domain } from './auth0-domain.js';
import type { HttpAnswer, ProviderDefinition, TokenErrorVerdict } from './definition.js';
import { readBearerAnswer, readTokenErrorBy, type TokenErrorRow } from './oauth-errors.js';

const DAY_SECONDS = 86_400;

/** The Management API's identifier, which tokens for it have to be asked for by. */
const MANAGEMENT_API = 'https://{domain}/api/v2/';

const REFRESH_TOKEN_DEAD: TokenErrorVerdict = {
  outcome: 'reconnect',
  reason: 'revoked',
  detail: 'Auth0 no longer accepts the refresh token. The user has to connect again.',
};

const USER_BLOCKED: TokenErrorVerdict = {
  outcome: 'reconnect',
  reason: 'user_deactivated',
  detail:
    'The user is blocked in Auth0. An administrator has to unblock the user, who then has to connect again.',
};

const CLIENT_REFUSED: TokenErrorVerdict = {
  outcome: 'integration',
  reason: 'client_secret_invalid',
  detail: 'Auth0 refused the client ID or the client secret. Set them anew; nobody has to sign in again.',
};

/** Auth0's token errors that differ from the standard. */
export const AUTH0_TOKEN_ERRORS: readonly TokenErrorRow[] = [
  { error: 'unauthorized', description: /blocked/i, verdict: USER_BLOCKED },
  { error: 'invalid_grant', description: /blocked/i, verdict: USER_BLOCKED },
  // 403, not 400.
  { error: 'invalid_grant', description: /refresh token/i, verdict: REFRESH_TOKEN_DEAD },
  { error: 'access_denied', description: /refresh token/i, verdict: REFRESH_TOKEN_DEAD },
  // A wrong client secret is `access_denied` "Unauthorized".
  { status: 401, error: 'access_denied', verdict: CLIENT_REFUSED },
  {
    status: 403,
    error: 'access_denied',
    verdict: {
      outcome: 'configuration',
      reason: 'configuration',
      detail:
        'The application may not use the Management API. An administrator has to authorize it under “APIs”.',
    },
  },
];

const readTokenError = (answer: HttpAnswer): TokenErrorVerdict =>
  readTokenErrorBy(AUTH0_TOKEN_ERRORS, answer);

/** Auth0: a user's own profile through the Management API, or the whole tenant with an application of its own. */
export const auth0 = {
  id: 'auth0',
  name: 'Auth0',
  category: 'Security',
  description: 'Manage users, applications, and connections of an Auth0 tenant through its Management API.',
  websiteUrl: 'https://auth0.com',
  sources: [
    'https://auth0.com/docs/secure/tokens/access-tokens/management-api-access-tokens',
    'https://auth0.com/docs/secure/tokens/access-tokens/management-api-access-tokens/get-management-api-tokens-for-single-page-applications',
    'https://auth0.com/docs/secure/tokens/refresh-tokens/refresh-token-rotation',
    'https://support.auth0.com/center/s/article/troubleshoot-refresh-token-unknown-or-invalid-before-expiry-403-unknown-or-invalid-refresh-token',
    'https://auth0.com/docs/troubleshoot/customer-support/operational-policies/rate-limit-policy',
  ],
  authMethods: [
    {
      id: 'user_oauth',
      kind: 'oauth2',
      name: 'User OAuth',
      description:
        'A user signs in to the Auth0 tenant and consents. The token reaches that user’s own profile in the Management API; for the whole tenant, use Client Credentials.',
      helpUrl: 'https://auth0.com/docs/get-started/auth0-overview/create-applications/regular-web-apps',
      endpoints: {
        source: 'discovery',
        issuer: 'https://{domain}/',
        metadataPath: '/.well-known/openid-configuration',
      },
      clientAuthentication: 'client_secret_post',
      pkce: 'S256',
      openidConnect: true,
      scopes: [
        { name: 'openid', description: 'OpenID Connect authentication' },
        { name: 'profile', description: 'Access to user profile information' },
        { name: 'email', description: 'Access to user email' },
        { name: 'read:current_user', description: 'Read the signed-in user' },
        { name: 'create:current_user_metadata', description: 'Create metadata of the signed-in user' },
        { name: 'update:current_user_metadata', description: 'Update metadata of the signed-in user' },
        {
          name: 'update:current_user_identities',
          description: 'Link and unlink accounts of the signed-in user',
        },
        {
          name: 'create:current_user_device_credentials',
          description: 'Create device credentials of the signed-in user',
        },
        {
          name: 'delete:current_user_device_credentials',
          description: 'Delete device credentials of the signed-in user',
        },
      ],
      defaultScopes: ['openid', 'profile', 'email', 'read:current_user'],
      impliedScopes: ['offline_access'],
      acceptsOtherScopes: true,
      scopeSeparator: ' ',
      authorizationParams: { audience: MANAGEMENT_API },
      tokenRequestFormat: 'form',
      accessTokenLifetimeSeconds: DAY_SECONDS,
      // Rotation, its leeway (0 by default) and both lifetimes are the application's settings.
      refreshToken: { rotation: 'optional_rotation', graceSeconds: 0 },
      readTokenError,
      probes: [{ kind: 'userinfo' }],
    },
    {
      id: 'client_credentials',
      kind: 'client_credentials',
      name: 'Client Credentials',
      description:
        'An administrator makes a machine-to-machine application that may use the Management API. Authpipe trades its client ID and secret for access tokens that last a day.',
      helpUrl:
        'https://auth0.com/docs/secure/tokens/access-tokens/management-api-access-tokens/get-management-api-access-tokens-for-production',
      endpoints: { source: 'fixed', token: 'https://{domain}/oauth/token' },
      clientAuthentication: 'client_secret_post',
      scopes: [
        { name: 'read:users', description: 'Read access to users' },
        { name: 'create:users', description: 'Create users' },
        { name: 'update:users', description: 'Update users' },
        { name: 'delete:users', description: 'Delete users' },
        { name: 'read:roles', description: 'Read access to roles' },
        { name: 'read:clients', description: 'Read access to applications' },
        { name: 'read:connections', description: 'Read access to connections' },
        { name: 'read:organizations', description: 'Read access to organizations' },
        { name: 'read:logs', description: 'Read access to tenant logs' },
      ],
      // Without a scope, Auth0 grants all that the application may have.
      defaultScopes: [],
      acceptsOtherScopes: false,
      scopeSeparator: ' ',
      tokenParams: { audience: MANAGEMENT_API },
      tokenRequestFormat: 'json',
      accessTokenLifetimeSeconds: DAY_SECONDS,
      readTokenError,
      probes: [
        {
          kind: 'request',
          url: 'https://{domain}/api/v2/users?per_page=1',
          scopes: ['read:users'],
          read: readBearerAnswer,
        },
      ],
    },
  ],
  config: {
    domain: {
      kind: 'host',
      label: 'Auth0 domain',
      description: 'The tenant’s own host, as the settings of an application in the Auth0 Dashboard show it.',
      example: 'acme.eu.auth0.com',
      required: true,
      helpUrl: 'https://auth0.com/docs/get-started/tenant-settings/find-your-tenant-name-or-tenant-id',
      parse: parseAuth0Domain,
    },
  },
  api: {
    baseUrl: 'https://{domain}',
    rateLimit: {
      limit: 'x-ratelimit-limit',
      remaining: 'x-ratelimit-remaining',
      reset: 'x-ratelimit-reset',
      resetUnit: 'epoch_seconds',
    },
    readError: readBearerAnswer,
  },
  // Log streams to a custom webhook: the authorization token is the header's whole value.
  webhooks: {
    kind: 'shared_secret',
    header: 'authorization',
    source: 'https://auth0.com/docs/customize/log-streams/custom-log-streams',
  },
} as const satisfies ProviderDefinition;
