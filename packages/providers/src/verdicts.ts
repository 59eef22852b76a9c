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
