import { generateKeyPair, type JsonWebKey, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import Provider, {
  type AccountClaims,
  type Configuration,
  type errors,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import { REQUESTED_SCOPE_PARAMETER } from './adapt-authorization-request.js';
import { SECONDS_PER_DAY } from './clock.js';
import { TOKEN_PATH } from './faults.js';
import type { OrgState } from './org-state.js';
import { errorPage } from './pages/error-page.js';
import { logoutPage, signedOutPage } from './pages/sign-out-page.js';
import type { OrgUser } from './people.js';
import { ALL_SCOPES } from './scopes.js';
import { PROOF_LEFT_OUT, toOktaTokenError } from './token-errors.js';

/** Okta's fixed life of a refresh token at the org authorization server; there is no idle timeout. */
export const REFRESH_TOKEN_LIFETIME_SECONDS = 90 * SECONDS_PER_DAY;

const AUTHORIZATION_CODE_LIFETIME_SECONDS = 300;
/** Okta's default session policy: two hours. */
const SESSION_LIFETIME_SECONDS = 2 * 3600;
const SIGN_IN_LIFETIME_SECONDS = 3600;
/** Longer than everything that hangs on a grant, so that a grant never ends before its tokens. */
const GRANT_LIFETIME_SECONDS = REFRESH_TOKEN_LIFETIME_SECONDS + 10 * SECONDS_PER_DAY;

/** Where the person is sent to sign in and to consent. */
export const SIGN_IN_PATH = '/signin';
export const CONSENT_PATH = '/consent';

let signingKey: Promise<JsonWebKey> | undefined;

/** One key for all orgs of a process: making an RSA key is slow, and nothing here depends on it being another one. */
function sharedSigningKey(): Promise<JsonWebKey> {
  signingKey ??= promisify(generateKeyPair)('rsa', { modulusLength: 2048 }).then(({ privateKey }) =>
    privateKey.export({ format: 'jwk' }),
  );
  return signingKey;
}

/** `oidc-provider` behind the paths, texts and rules of Okta's org authorization server. */
export async function createAuthorizationServer(state: OrgState): Promise<Provider> {
  const server = new Provider(state.issuer, configure(state, await sharedSigningKey()));
  answerInOktasWords(server, state);
  server.use(async (ctx: KoaContextWithOIDC, next) => {
    await next();
    state.journal.noteAnswer(ctx.res, ctx.status, ctx.body, ctx.oidc?.params?.refresh_token);
    hideIssuerParameter(ctx, state.issuer);
    describeTokenAsOkta(ctx, state);
  });
  return server;
}

function configure(state: OrgState, key: JsonWebKey): Configuration {
  const accessTokenLifetime = () => state.settings.accessTokenLifetimeSeconds;
  return {
    adapter: (model: string) => (model === 'Client' ? state.clients.adapter() : state.store.adapter(model)),
    // Key sets are fetched from this machine, which the library's own dispatcher refuses: a sandbox has no other.
    fetch: (url, { dispatcher: _guard, ...options }: RequestInit & { dispatcher?: unknown } = {}) =>
      fetch(url, options),
    jwks: { keys: [{ ...key, use: 'sig', alg: 'RS256', kid: 'sandbox' }] },
    scopes: [...ALL_SCOPES],
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: [
        'name',
        'given_name',
        'family_name',
        'preferred_username',
        'locale',
        'zoneinfo',
        'updated_at',
      ],
    },
    conformIdTokenClaims: false,
    responseTypes: ['code'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    // An app may ask for PKCE to be required at Okta; without that it is checked where it was used.
    pkce: { required: () => false },
    clockTolerance: 0,
    extraParams: [REQUESTED_SCOPE_PARAMETER],
    routes: {
      authorization: '/oauth2/v1/authorize',
      token: '/oauth2/v1/token',
      introspection: '/oauth2/v1/introspect',
      revocation: '/oauth2/v1/revoke',
      userinfo: '/oauth2/v1/userinfo',
      jwks: '/oauth2/v1/keys',
      end_session: '/oauth2/v1/logout',
      pushed_authorization_request: '/oauth2/v1/par',
    },
    cookies: {
      // Cookies ignore ports: plain names would clash with those of other servers on localhost.
      names: {
        session: 'sandbox_okta_session',
        interaction: 'sandbox_okta_signin',
        resume: 'sandbox_okta_resume',
      },
      keys: [randomBytes(32).toString('base64url')],
      long: { signed: true, httpOnly: true, sameSite: 'lax' },
      short: { signed: true, httpOnly: true, sameSite: 'lax' },
    },
    ttl: {
      AccessToken: accessTokenLifetime,
      ClientCredentials: accessTokenLifetime,
      AuthorizationCode: AUTHORIZATION_CODE_LIFETIME_SECONDS,
      Grant: GRANT_LIFETIME_SECONDS,
      IdToken: 3600,
      Interaction: SIGN_IN_LIFETIME_SECONDS,
      RefreshToken: REFRESH_TOKEN_LIFETIME_SECONDS,
      Session: SESSION_LIFETIME_SECONDS,
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: {
        enabled: true,
        nonceSecret: randomBytes(32),
        // At the token endpoint; userinfo takes proofs without, as Okta's API does.
        requireNonce: (ctx) => state.dpop.nonceRequired && ctx.path === TOKEN_PATH,
      },
      resourceIndicators: { enabled: false },
      pushedAuthorizationRequests: { enabled: true },
      introspection: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      revocation: { enabled: true, allowedPolicy: mayRevokeFamily },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: async (ctx, form) => {
          ctx.body = logoutPage(form);
        },
        postLogoutSuccessSource: async (ctx) => {
          ctx.body = signedOutPage();
        },
      },
    },
    interactions: {
      url: (_ctx, interaction) =>
        `${interaction.prompt.name === 'consent' ? CONSENT_PATH : SIGN_IN_PATH}/${interaction.uid}`,
    },
    // Each authorization is a family of its own: revoking one connection of a person must not end the others.
    loadExistingGrant: async (ctx) => {
      const grantId = ctx.oidc.result?.consent?.grantId;
      return grantId ? ctx.oidc.provider.Grant.find(grantId) : undefined;
    },
    expiresWithSession: () => false,
    issueRefreshToken: async (_ctx, client, code) =>
      client.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
    rotateRefreshToken: () => state.settings.rotation === 'ROTATE',
    findAccount: async (_ctx, id) => {
      const user = state.directory.find(id);
      // Undefined fails sign-in, refresh and userinfo alike.
      return user?.status === 'ACTIVE' ? { accountId: user.id, claims: () => claimsOf(user) } : undefined;
    },
    renderError: async (ctx, out) => {
      ctx.type = 'html';
      ctx.body = errorPage(out.error, out.error_description);
    },
  };
}

/**
 * Revoking a refresh token ends its access tokens, not the other way round. The library ends the whole family for
 * either, so an access token is ended here and the library told to go no further.
 */
async function mayRevokeFamily(
  _ctx: KoaContextWithOIDC,
  client: { clientId: string },
  token: { kind: string; clientId?: string | undefined; destroy(): Promise<void> },
): Promise<boolean> {
  if (token.clientId !== client.clientId) return false;
  if (token.kind !== 'AccessToken') return true;
  await token.destroy();
  return false;
}

function answerInOktasWords(server: Provider, state: OrgState): void {
  const answer = (ctx: KoaContextWithOIDC, failure: errors.OIDCProviderError) => {
    const { client, params } = ctx.oidc;
    // The library looks for the code first; that Okta asks for the proof first is not documented, but all it takes is a header.
    const lacksProof =
      failure.error === 'invalid_grant' && client?.dpopBoundAccessTokens === true && ctx.get('DPoP') === '';
    const { status, error, description } = lacksProof
      ? PROOF_LEFT_OUT
      : toOktaTokenError(failure, params?.grant_type);
    ctx.status = status;
    ctx.type = 'json';
    ctx.body = { error, error_description: description };
    if (ctx.response.get('WWW-Authenticate')) ctx.set('WWW-Authenticate', `Basic realm="${state.issuer}"`);
  };
  server.on('grant.error', (ctx, failure) => {
    if (failure.error_detail === 'refresh token already used') {
      state.counters.familyRevocations += 1;
      state.journal.noteFamilyRevoked(ctx.res);
    }
    answer(ctx, failure);
  });
  server.on('introspection.error', answer);
  server.on('revocation.error', answer);
  server.on('pushed_authorization_request.error', answer);
  server.on('server_error', (_ctx, failure) => console.error('Sandbox Okta org:', failure));
}

/** Okta's org server neither sends `iss` to the callback (RFC 9207) nor says that it would. */
function hideIssuerParameter(ctx: KoaContextWithOIDC, issuer: string): void {
  const location = ctx.response.get('Location');
  if (location && URL.canParse(location)) {
    const url = new URL(location);
    // An answer to a bad response_type comes in the fragment.
    const fragment = new URLSearchParams(url.hash.slice(1));
    for (const parameters of [url.searchParams, fragment]) {
      if (parameters.get('iss') === issuer) parameters.delete('iss');
    }
    if (url.hash.includes('=')) url.hash = fragment.toString();
    ctx.set('Location', url.href);
  }
  if (ctx.path.startsWith('/.well-known/') && isRecord(ctx.body)) {
    delete ctx.body.authorization_response_iss_parameter_supported;
  }
}

/** Introspection tells times in the org's clock, and the user by login and id as Okta does. */
function describeTokenAsOkta(ctx: KoaContextWithOIDC, state: OrgState): void {
  if (ctx.path !== '/oauth2/v1/introspect' || !isRecord(ctx.body) || ctx.body.active !== true) return;
  const ahead = state.clock.secondsAheadOfSystem();
  for (const name of ['exp', 'iat']) {
    const time = ctx.body[name];
    if (typeof time === 'number') ctx.body[name] = time + ahead;
  }
  const user = typeof ctx.body.sub === 'string' ? state.directory.find(ctx.body.sub) : undefined;
  if (user) Object.assign(ctx.body, { sub: user.email, username: user.email, uid: user.id });
}

function claimsOf(user: OrgUser): AccountClaims {
  return {
    sub: user.id,
    name: `${user.firstName} ${user.lastName}`,
    given_name: user.firstName,
    family_name: user.lastName,
    preferred_username: user.email,
    email: user.email,
    email_verified: true,
    locale: 'en_US',
    zoneinfo: 'America/Los_Angeles',
    updated_at: Math.floor(Date.parse(user.created) / 1000),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
