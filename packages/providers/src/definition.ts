import type { AuthMethodBase, SecretField, UrlTemplate } from './auth-method-base.js';
import type { ClientCredentialsMethod, OAuthCodeMethod } from './oauth-method.js';
import type { HttpAnswer, ProbeVerdict } from './verdicts.js';

export type * from './auth-method-base.js';
export type * from './oauth-method.js';
export type * from './verdicts.js';

/**
 * What a provider definition is: data, and few pure functions for what data can't say. One file per provider, checked
 * with `satisfies ProviderDefinition`. Nothing here does I/O, reads a clock or knows the server.
 */

/** Shelves of the catalogue. */
export type ProviderCategory = 'Security' | 'Developer tools' | 'CRM' | 'Communication' | 'Productivity';

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
