import type { AuthMethodBase, ScopeDefinition, SecretField, UrlTemplate } from './auth-method-base.js';
import type { HttpAnswer, TokenErrorVerdict } from './verdicts.js';

/** Endpoints found by metadata (OpenID Connect Discovery 1.0, RFC 8414) or fixed by the definition. */
export type OAuthEndpoints =
  | {
      readonly source: 'discovery';
      /** Compared with the metadata as it stands: Auth0's ends in a slash, Okta's does not. */
      readonly issuer: UrlTemplate;
      /** Well-known document below the issuer; a slash that ends the issuer is left out before it. */
      readonly metadataPath: '/.well-known/openid-configuration' | '/.well-known/oauth-authorization-server';
      /**
       * For hosts that speak for another issuer (Okta's custom domains): the issuer is accepted only when the document
       * at `path` **on the issuer's own host** confirms the host that was given.
       */
      readonly issuerAlias?: {
        readonly path: string;
        /** Whether an issuer host may have aliases at all (`acme.okta.com`). */
        readonly isIssuerHost: (host: string) => boolean;
        readonly confirms: (document: unknown, givenHost: string) => boolean;
      };
    }
  | {
      readonly source: 'fixed';
      readonly issuer?: UrlTemplate;
      /** Where people are sent; left out for methods without a person. */
      readonly authorization?: UrlTemplate;
      readonly token: UrlTemplate;
      readonly revocation?: UrlTemplate;
      readonly introspection?: UrlTemplate;
      readonly userinfo?: UrlTemplate;
    };

/** What a refresh token of this provider does, by the provider's documentation. */
export interface RefreshTokenBehaviour {
  /**
   * `static`: the answer may hold no new one; `rotating`: replaced, the old one works for `graceSeconds`; `single_use`:
   * replaced, the old one is dead at once. `optional_rotation`: by the app's setting, be ready for both.
   */
  readonly rotation: 'static' | 'rotating' | 'optional_rotation' | 'single_use';
  /** How long an old refresh token still answers after it was used; 0 where the vendor promises nothing. */
  readonly graceSeconds: number;
  /** Ends this long after the person consented, whatever happens. Okta: 90 days, rotation does not extend it. */
  readonly absoluteLifetimeSeconds?: number;
  /** Ends when unused for this long: it is exercised well within it, whether or not the access token needs it. */
  readonly idleLifetimeSeconds?: number;
  /**
   * Field of a token answer that says how long the refresh token lives, in the unit of `expiresInUnit`. Default
   * `refresh_token_expires_in` (GitHub and many others); QuickBooks: `x_refresh_token_expires_in`. Top level only.
   */
  readonly expiresInField?: string;
  /**
   * Whether a refresh ends the access token that was given before it. Such tokens are refreshed late, so that as few
   * holders as may be are left with a dead one. Default false.
   * GitHub: once a refresh token is used, it and the old access token no longer work.
   * @see https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens
   */
  readonly refreshInvalidatesAccessToken?: boolean;
}

/** What `expires_in` counts. RFC 6749 section 5.1 says seconds; not every vendor reads it. */
export type ExpiresInUnit = 'seconds' | 'milliseconds';

/** What a method says of its access tokens' life. */
interface AccessTokenLifetime {
  /**
   * How long an access token lives by the vendor's documentation, where neither the answer nor introspection says, in
   * seconds. Null where the vendor documents none: then it is learned from the first refusal.
   */
  readonly accessTokenLifetimeSeconds: number | null;
  /** The unit of `expires_in` and of the refresh token's field. Default `seconds`. */
  readonly expiresInUnit?: ExpiresInUnit;
}

/**
 * How often a vendor lets its token endpoint be asked: no more than `requests` in any `perSeconds` seconds, whichever
 * connection asks. Refreshes are spaced by it, over all replicas. Vanta: 5 in 60 seconds.
 *
 * @see https://developer.vanta.com/reference/overview
 */
export interface TokenRateLimit {
  readonly requests: number;
  readonly perSeconds: number;
}

/**
 * How an administrator makes the OAuth app, where every customer's own organization needs one: what the hosted set-up
 * tells, in the words of the vendor's own pages. Each text ends in a full stop.
 */
export interface AppSetup {
  /** Who can do it: `a Super Administrator of the org`. */
  readonly doneBy: string;
  /** The page where apps are made. */
  readonly consoleUrl: UrlTemplate;
  /** What to do there first, in order. */
  readonly create: readonly string[];
  /** Which grant types to allow. Shown again where the check finds one missing, as are the four that follow. */
  readonly grantTypes: string;
  /** Where the redirect URI goes. */
  readonly redirectUri: string;
  /** What proves the app: where its secret is found, or where the address of its key set goes. */
  readonly proof: string;
  /** Where scopes are granted to the app. */
  readonly scopes: string;
  /** Who may use the app, and where that is set. No check can see it before somebody has signed in. */
  readonly assignment: string;
  /** How scopes begin that have to be granted to the app itself; others it has anyway. */
  readonly grantedScopePrefix: string;
}

type ClientAuthentication = 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none';

/** OAuth 2.0 authorization code on behalf of a user. @see RFC 6749 section 4.1 */
export interface OAuthCodeMethod extends AuthMethodBase, AccessTokenLifetime {
  readonly kind: 'oauth2';
  readonly endpoints: OAuthEndpoints;
  readonly clientAuthentication: ClientAuthentication;
  readonly pkce: 'S256' | 'unsupported';
  /** Whether the provider is an OpenID provider: nonce is sent and the ID token is checked. */
  readonly openidConnect: boolean;
  readonly scopes: readonly ScopeDefinition[];
  /** Asked for when an integration names no scopes. */
  readonly defaultScopes: readonly string[];
  /** Always added by Authpipe, never shown as a choice (Okta: `offline_access`). */
  readonly impliedScopes: readonly string[];
  /** Whether scopes that are not listed may be asked for: vendors add scopes faster than catalogues. */
  readonly acceptsOtherScopes: boolean;
  readonly scopeSeparator: ' ' | ',';
  /** Values may hold settings in braces, like URLs: `https://{domain}/api/v2/`. Filled by `fillParams`. */
  readonly authorizationParams?: Readonly<Record<string, string>>;
  /** As `authorizationParams`, for every request to the token endpoint. */
  readonly tokenParams?: Readonly<Record<string, string>>;
  readonly tokenRequestFormat: 'form' | 'json';
  /** How often the token endpoint may be asked; left out where the vendor names no limit. */
  readonly tokenRateLimit?: TokenRateLimit;
  readonly refreshToken: RefreshTokenBehaviour;
  /** How a customer's administrator makes the OAuth app; left out where one app serves all customers. */
  readonly setup?: AppSetup;
  /**
   * What an error means that came back with the person (RFC 6749 section 4.1.2.1), where the vendor's words tell that
   * somebody has to change something first; null for all others.
   */
  readonly readAuthorizationError?: (error: string, description: string) => string | null;
  /** What an error answer of the token endpoint means. */
  readonly readTokenError: (answer: HttpAnswer) => TokenErrorVerdict;
  /** Brings an unusual token answer to RFC 6749 section 5.1; left out where it already is. */
  readonly readTokenAnswer?: (body: unknown) => unknown;
  /** The account behind a token answer without an ID token: a request and how to read it. */
  readonly account?: {
    readonly url: UrlTemplate;
    readonly read: (body: unknown) => { id: string; name?: string; email?: string } | null;
  };
}

/**
 * OAuth 2.0 client credentials: an app speaks for itself, there is no person and no refresh token.
 * @see RFC 6749 section 4.4
 */
export interface ClientCredentialsMethod extends AuthMethodBase, AccessTokenLifetime {
  readonly kind: 'client_credentials';
  /** A client of the connection's own, as the hosted form asks for it. Default: a client ID and a client secret. */
  readonly fields?: { readonly clientId: SecretField; readonly clientSecret: SecretField };
  readonly endpoints: OAuthEndpoints;
  readonly clientAuthentication: ClientAuthentication;
  readonly scopes: readonly ScopeDefinition[];
  /** Asked for when neither the integration nor the connection names any. */
  readonly defaultScopes: readonly string[];
  /** Whether scopes that are not listed may be asked for: vendors add scopes faster than catalogues. */
  readonly acceptsOtherScopes: boolean;
  readonly scopeSeparator: ' ' | ',';
  /** Values may hold settings in braces, like URLs: `https://{domain}/api/v2/`. Filled by `fillParams`. */
  readonly tokenParams?: Readonly<Record<string, string>>;
  readonly tokenRequestFormat: 'form' | 'json';
  /** How often the token endpoint may be asked; left out where the vendor names no limit. */
  readonly tokenRateLimit?: TokenRateLimit;
  readonly readTokenError: (answer: HttpAnswer) => TokenErrorVerdict;
  /** Brings an unusual token answer to RFC 6749 section 5.1; left out where it already is. */
  readonly readTokenAnswer?: (body: unknown) => unknown;
}

/** A method with a token endpoint. */
export type TokenMethod = OAuthCodeMethod | ClientCredentialsMethod;
