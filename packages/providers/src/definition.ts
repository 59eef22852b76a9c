/**
 * What a provider definition is: data, and few pure functions for what data can't say. One file per provider, checked
 * with `satisfies ProviderDefinition`. Nothing here does I/O, reads a clock or knows the server.
 */

/** Shelves of the catalogue. */
export type ProviderCategory = 'Security' | 'Developer tools' | 'CRM' | 'Communication' | 'Productivity';

/**
 * A URL with config values in braces: `https://{domain}/oauth2/v1/token`. Filled by `fillUrl`; a value that is not a
 * plain host or path segment never gets here, since `parseConfig` has checked it by its field.
 */
export type UrlTemplate = `https://${string}`;

/** One setting that a person types for a connection or an integration: Okta's `domain`, CrowdStrike's `region`. */
export interface ConfigField {
  /**
   * `host`: the name of a host, without scheme, port and path; `choice`: one of `options`; `text`: anything else that
   * `parse` accepts.
   */
  readonly kind: 'host' | 'choice' | 'text';
  readonly label: string;
  readonly description: string;
  /** Shown as the placeholder: a value that would be accepted. */
  readonly example: string;
  readonly required: boolean;
  /** Accepted values, where there are few; the form shows a list. */
  readonly options?: readonly { readonly value: string; readonly label: string }[];
  /** Where the person finds the value. */
  readonly helpUrl?: string;
  /**
   * Brings the value to the one form that is stored (trimmed, lower case, no trailing dot), or says what is wrong with
   * it and what to type instead.
   */
  readonly parse: (value: string) => ParsedField;
}

/** Outcome of `ConfigField.parse`. `suggestion` is a value that would be accepted, if one can be told. */
export type ParsedField =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly error: string; readonly suggestion?: string };

/** A scope with the words shown on the provider's page. */
export interface ScopeDefinition {
  readonly name: string;
  readonly description: string;
}

/** An HTTP answer as definitions see it: bounded, read whole, header names in lower case. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed JSON where the body is JSON, else the text; `undefined` where it is empty. */
  readonly body: unknown;
}

/** Reasons of `@authpipe/types` `statusReason` that a definition may give. */
export type FailureReason =
  | 'revoked'
  | 'refresh_token_expired'
  | 'user_deactivated'
  | 'app_deactivated'
  | 'client_secret_invalid'
  | 'consent_required'
  | 'scope_lost'
  | 'role_lost'
  | 'key_invalid'
  | 'rate_limited'
  | 'provider_down'
  | 'configuration';

/**
 * What an error of the token endpoint means.
 * - `reconnect`: the grant is dead, a person has to connect again;
 * - `integration`: the OAuth client is at fault, all its connections suffer, nobody has to reconnect;
 * - `configuration`: an administrator has to change something at the provider (assignment, network zone, scopes);
 * - `code_rejected`: a fault of connecting (authorization code, PKCE, redirect URI), not of a stored grant;
 * - `use_dpop_nonce`: repeat at once with the nonce of the answer;
 * - `transient`: try again later.
 */
export interface TokenErrorVerdict {
  readonly outcome:
    | 'reconnect'
    | 'integration'
    | 'configuration'
    | 'code_rejected'
    | 'use_dpop_nonce'
    | 'transient';
  readonly reason: FailureReason | null;
  /** What happened and what to do, for people; no secret, no text of the provider. */
  readonly detail: string;
}

/**
 * What an answer to a probe says of the connection.
 * - `ok`: the credential works; - `dead`: it does not and only a person can mend it; - `degraded`: something is wrong,
 *   it may still work; - `inconclusive`: says nothing about the credential (provider trouble, feature not enabled).
 */
export interface ProbeVerdict {
  readonly result: 'ok' | 'dead' | 'degraded' | 'inconclusive';
  readonly reason: FailureReason | null;
}

/**
 * How to see whether a credential works. The heavier word wins: who issues the token knows best whether it lives, and the
 * API alone knows whether it may be used. So one of the probes of the token is made, the heaviest that fits, and then each
 * request that fits: it may find that a living token is refused, and not that a token is dead that a heavier probe saw alive.
 */
export type Probe =
  /** RFC 7662 introspection of the access token with client authentication. Weight 3 unless told. */
  | { readonly kind: 'introspection'; readonly weight?: number }
  /** The OpenID Connect userinfo endpoint; needs the `openid` scope. Weight 2 unless told. */
  | { readonly kind: 'userinfo'; readonly weight?: number }
  /** A cheap call of the provider's API, as an app would make it. Weight 1 unless told. */
  | {
      readonly kind: 'request';
      readonly weight?: number;
      readonly url: UrlTemplate;
      /** The probe is left out when a scope is not granted. */
      readonly scopes?: readonly string[];
      readonly read: (answer: HttpAnswer) => ProbeVerdict;
    };

/** The provider's rate-limit headers, lower case. */
export interface RateLimitHeaders {
  readonly limit?: string;
  readonly remaining?: string;
  readonly reset: string;
  /** What the reset header holds: seconds since the epoch, or seconds from now. */
  readonly resetUnit: 'epoch_seconds' | 'delta_seconds';
}

/** How many requests a provider allows, as far as it documents it; probes take a twentieth of it at most. */
export interface ApiLimit {
  readonly requests: number;
  readonly perSeconds: number;
  /** Whether all that is asked of a host counts together, or each customer's account there by itself. */
  readonly countedPer: 'host' | 'account';
}

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

interface AuthMethodBase {
  /** Stable within the provider: `user_oauth`, `api_key`, … */
  readonly id: string;
  /** The words of the provider's page: `User OAuth`. */
  readonly name: string;
  /** A paragraph for the provider's page. */
  readonly description: string;
  /** Where a person finds what has to be typed. */
  readonly helpUrl?: string;
  readonly probes: readonly Probe[];
  /** Left out of the provider's page: it is for programs that need no page. `GET /v1/providers` has it all the same. */
  readonly unlisted?: boolean;
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

/** One field of a key or a pair, as the hosted form shows it. */
export interface SecretField {
  readonly label: string;
  readonly example: string;
  /** Source of a `RegExp` that the whole value matches. */
  readonly pattern?: string;
  /** Whether it is kept from being seen: typed unseen, and never shown again. */
  readonly secret: boolean;
  /** What it is, and where to look for it. */
  readonly description?: string;
  /** Where the person finds the value. */
  readonly helpUrl?: string;
}

/** A static key, sent as a header. */
export interface ApiKeyMethod extends AuthMethodBase {
  readonly kind: 'api_key';
  readonly fields: { readonly apiKey: SecretField };
  /** Header names with `{apiKey}` in the value: `{ 'x-api-key': '{apiKey}' }`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tokenType: string;
}

/** A user name and a password. @see RFC 7617 */
export interface BasicMethod extends AuthMethodBase {
  readonly kind: 'basic';
  readonly fields: { readonly username: SecretField; readonly password: SecretField };
}

/** The secret that a provider's webhooks are proved by, where it is all that there is to hand over. Nothing can be asked with it. */
export interface WebhookSecretMethod extends AuthMethodBase {
  readonly kind: 'webhook_secret';
  readonly fields: { readonly webhookSecret: SecretField };
}

export type AuthMethod =
  | OAuthCodeMethod
  | ClientCredentialsMethod
  | ApiKeyMethod
  | BasicMethod
  | WebhookSecretMethod;

/** Methods without a sign-in: a person types what they prove themselves with into the hosted form. */
export type TypedMethod = Exclude<AuthMethod, OAuthCodeMethod>;

/**
 * How the provider proves that a webhook is its own, as the page `source` documents it. Header names in lower case.
 * Only what a vendor's page says: a guess would refuse real webhooks, or take forged ones.
 */
export type WebhookScheme =
  | {
      /** A shared secret signs the body: an HMAC in a header. @see RFC 2104 */
      readonly kind: 'hmac';
      readonly header: string;
      readonly algorithm: 'sha256' | 'sha1';
      readonly encoding: 'hex' | 'base64';
      /** Stands before the signature in the header: `sha256=`. */
      readonly prefix?: string;
      /** What is signed: text around `{body}`, and `{timestamp}` and `{id}` where their headers are signed too. */
      readonly signed: string;
      /** Holds the seconds since 1970 that `{timestamp}` stands for. */
      readonly timestampHeader?: string;
      /** How far that may be from now. Default: 300. */
      readonly toleranceSeconds?: number;
      /** Holds what `{id}` stands for. */
      readonly idHeader?: string;
      readonly source: string;
    }
  | {
      /** The secret itself is the whole value of a header. */
      readonly kind: 'shared_secret';
      readonly header: string;
      /** The administrator may pick another header at the provider. */
      readonly headerIsChosen?: boolean;
      readonly source: string;
    }
  | {
      /** Standard Webhooks, symmetric. @see https://www.standardwebhooks.com */
      readonly kind: 'standard_webhooks';
      readonly source: string;
    };

/** Everything Authpipe knows of a provider. */
export interface ProviderDefinition {
  /** Stable, lower case: `okta`. */
  readonly id: string;
  readonly name: string;
  readonly category: ProviderCategory;
  /** One sentence: the provider page's lead. */
  readonly description: string;
  readonly websiteUrl: string;
  /** Vendor pages that the facts here come from. */
  readonly sources: readonly string[];
  readonly authMethods: readonly [AuthMethod, ...AuthMethod[]];
  readonly config: Readonly<Record<string, ConfigField>>;
  readonly api: {
    /** Base of the provider's API; also the only host that the SDK's `fetch` sends a credential to. */
    readonly baseUrl: UrlTemplate;
    readonly rateLimit?: RateLimitHeaders;
    /** Of one endpoint; what an answer's headers tell goes before it. Left out: 600 requests in 60 seconds, by host. */
    readonly limit?: ApiLimit;
    /** What a refused call of the provider's API says of the credential. */
    readonly readError: (answer: HttpAnswer) => ProbeVerdict;
  };
  /** Left out where the provider sends no webhooks, or does not document how they are proved. */
  readonly webhooks?: WebhookScheme;
}
