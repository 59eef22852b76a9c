import type { HttpAnswer, ProbeVerdict } from './verdicts.js';

/**
 * A URL with config values in braces: `https://{domain}/oauth2/v1/token`. Filled by `fillUrl`; a value that is not a
 * plain host or path segment never gets here, since `parseConfig` has checked it by its field.
 */
export type UrlTemplate = `https://${string}`;

/** A scope with the words shown on the provider's page. */
export interface ScopeDefinition {
  readonly name: string;
  readonly description: string;
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

/** What all methods have. */
export interface AuthMethodBase {
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
