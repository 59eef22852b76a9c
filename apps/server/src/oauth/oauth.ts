import type {
  HttpAnswer,
  OAuthCodeMethod,
  ProbeVerdict,
  ProviderDefinition,
  TokenMethod,
} from '@authpipe/providers';
import type { ConnectionAccount } from '@authpipe/types';
import type { PrivateJwk } from '../jwk.js';
import type { UsableToken } from './ask-resource.js';
import type { DpopKey } from './dpop-key.js';

/** Who asks, with what proves it. Secret. */
export interface OAuthClient {
  readonly clientId: string;
  readonly clientSecret: string | null;
  /** Private JWK with `alg` and `kid`, where the client signs instead of sending a secret (`private_key_jwt`). */
  readonly clientKey?: PrivateJwk | null;
}

/** Whom to ask for tokens, as whom. */
export interface TokenTarget {
  readonly definition: ProviderDefinition;
  readonly method: TokenMethod;
  /** Settings that fill the definition's URLs, already parsed by it. */
  readonly config: Readonly<Record<string, string>>;
  readonly client: OAuthClient;
}

/** Whom to ask on behalf of a person. */
export interface OAuthTarget extends TokenTarget {
  readonly method: OAuthCodeMethod;
}

/** What a token endpoint gave, in one shape for all providers. */
export interface TokenGrant {
  readonly accessToken: string;
  /** Null where the answer holds none: after a refresh the old one stays good. */
  readonly refreshToken: string | null;
  /** `Bearer` and `DPoP` in this spelling, others as the provider wrote them. */
  readonly tokenType: string;
  /**
   * Of the access token: from the answer, else by introspection, else the method's usual lifetime. Null: unknown. Then
   * it has to be learned from the first refusal. Whole seconds, from just before the request.
   */
  readonly expiresInSeconds: number | null;
  /**
   * Of the refresh token, counted like `expiresInSeconds`. Null: the answer does not say, which does not mean that it
   * has no end. An answer without a refresh token may tell it of the one that stays good.
   */
  readonly refreshExpiresInSeconds: number | null;
  /** Null where the answer does not say, which means: as asked for. @see RFC 6749 section 5.1 */
  readonly scopes: readonly string[] | null;
  /** Who signed in, as far as the provider told; null after a refresh. */
  readonly account: ConnectionAccount | null;
}

/** What goes to the provider with a person. Everything but the scopes is new for each trip. */
export interface AuthorizationInput {
  readonly redirectUri: string;
  /** Of `A–Z a–z 0–9 _ -` alone: providers refuse other characters (Okta). */
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly scopes: readonly string[];
  readonly loginHint?: string;
}

/** What came back with the person, and what was kept to check it against. */
export interface CodeExchangeInput {
  /** The redirect URI as it was sent, with the query that came back. */
  readonly callbackUrl: URL;
  readonly expectedState: string;
  readonly expectedNonce: string;
  readonly codeVerifier: string;
  /** `issuer` of `authorizationUrl`. @see RFC 9700 section 4.4.2.2 */
  readonly expectedIssuer: string | null;
  /** The connection's own key: the tokens are to be bound to it. @see RFC 9449 section 5 */
  readonly dpopKey?: DpopKey | undefined;
}

/** What the next access token is asked for with. */
export type Renewal =
  | { readonly grant: 'refresh_token'; readonly refreshToken: string }
  /** No scopes: what the provider gives by default. */
  | { readonly grant: 'client_credentials'; readonly scopes: readonly string[] };

export interface RenewOptions {
  /** The connection's own key: the new token is bound to it, and each attempt sends a new proof. */
  readonly dpopKey?: DpopKey | undefined;
  /** Asked before each request is sent. */
  readonly leave?: LeaveToSend;
}

/**
 * Asked for when all is known and the token request is about to be made; resolves to what runs as its first byte leaves,
 * in the same turn. What either throws keeps the request from being sent.
 */
export type LeaveToSend = () => Promise<() => void>;

export type TokenHint = 'refresh_token' | 'access_token';

/** What introspection says of a token. @see RFC 7662 section 2.2 */
export interface Introspection {
  readonly active: boolean;
  /** In our clock, however wrong the provider's is; null where it is not told. */
  readonly expiresAt: Date | null;
  readonly scopes: readonly string[] | null;
  /** The answer's headers; empty where they are not known. */
  readonly headers?: HttpAnswer['headers'];
}

/** What a probe found. */
export type ProbeOutcome = ProbeVerdict & {
  /** What was asked first of all that said something; null when no probe of the method fits, or none may be made now. */
  readonly by: 'introspection' | 'userinfo' | 'request' | null;
  /** The API that refused the token: `GET /api/v1/users`. */
  readonly failedApi?: string;
  /** Scopes that were granted and that the token has no longer. */
  readonly lostScopes?: readonly string[];
  /** The provider did not answer, or only that it can't. */
  readonly isAway?: boolean;
  /** The token lives, and who would say more of what it may do could not be asked now: `ok` says nothing of that. */
  readonly isPartial?: boolean;
  /** Who issued the token listed its scopes: none is missing that is not in `lostScopes`. */
  readonly seesScopes?: boolean;
  /** Something, or all, could not be asked within the share of the provider's limit; not before then. */
  readonly putOffUntil?: Date;
};

/** One endpoint of a provider, as its rate limits count: `introspection`, `userinfo` or `GET /api/v1/users`. */
export interface ProbedEndpoint {
  readonly origin: string;
  readonly name: string;
}

/** Leave to ask, within the share of the provider's limit that probes may use. */
export interface ProbeLeave {
  /** Null: go on. Else: not before then. */
  ask(endpoint: ProbedEndpoint): Promise<Date | null>;
  /** What the provider's answer says of its limit. */
  note(endpoint: ProbedEndpoint, answer: Pick<HttpAnswer, 'status' | 'headers'>): void;
}

/** What has to be right at the provider before anybody can connect, in the order in which it is tried. */
export type PreflightStep = 'address' | 'client' | 'grant_types' | 'redirect_uri' | 'scopes';

/** What a trial of an OAuth app found of one step; `unknown`: the provider's answers do not tell. */
export interface PreflightFinding {
  readonly step: PreflightStep;
  readonly result: 'ok' | 'missing' | 'unknown';
  /** What the provider's answer means, where it tells more than that. */
  readonly detail?: string;
}

/** What a trial of an OAuth app found. */
export interface Preflight {
  readonly findings: readonly PreflightFinding[];
  /** Whether the app wants tokens bound to a key (RFC 9449). */
  readonly demandsDpop: boolean;
}

/** Every request to a provider on behalf of a person. All of them throw `TokenRequestError`. */
export interface OAuth {
  /** Where to send the person. Asks the provider for its metadata. */
  authorizationUrl(
    target: OAuthTarget,
    input: AuthorizationInput,
  ): Promise<{ readonly url: URL; readonly issuer: string | null }>;
  /** Whether answers that come back with the person have to name the issuer. @see RFC 9207 section 3 */
  namesIssuer(target: OAuthTarget): Promise<boolean>;
  /** Swaps the code for tokens, once: whoever calls has used up the state before. */
  exchangeCode(target: OAuthTarget, input: CodeExchangeInput): Promise<TokenGrant>;
  /**
   * Asks for the next access token: the one way for all kinds of grants. Repeats the request once, at once, when the
   * provider wants its DPoP nonce in the proof.
   */
  renew(target: TokenTarget, renewal: Renewal, options?: RenewOptions): Promise<TokenGrant>;
  /**
   * Tries an OAuth app without a person, changing nothing at the provider: with a code and a refresh token that can't be
   * good, and with an authorization request that asks for no page. Never throws for what the provider does.
   */
  preflight(
    target: OAuthTarget,
    input: { readonly redirectUri: string; readonly scopes: readonly string[] },
  ): Promise<Preflight>;
  /** Ends a grant. @returns whether the provider confirmed; false where it has no such endpoint. @see RFC 7009 */
  revoke(target: TokenTarget, token: string, hint: TokenHint): Promise<boolean>;
  /** @returns null where the provider has no introspection endpoint. */
  introspect(target: TokenTarget, token: string, hint: TokenHint): Promise<Introspection | null>;
  /**
   * Sees whether an access token works, by the method's probes as they are weighed. Give one that is known to be fresh: an
   * expired token looks like a dead grant. Never throws for what the provider does.
   */
  probe(
    target: TokenTarget,
    token: UsableToken & { readonly scopes: readonly string[] },
    leave?: ProbeLeave,
  ): Promise<ProbeOutcome>;
}
