import type { StatusReason } from './connection.js';

/**
 * Who can mend it: `user`, the connection's own person, by connecting again or by replacing a key; `customer_admin`, an
 * administrator of the customer's at the provider; `developer`, whoever runs the app and its integration; `time`, nobody
 * has to: it is tried again.
 */
export type Mender = 'user' | 'customer_admin' | 'developer' | 'time';

/** What the table says of one reason. */
export interface StatusReasonEntry {
  /** What has happened. */
  readonly meaning: string;
  /** What Authpipe has seen before it says so. */
  readonly proof: string;
  readonly mendedBy: Mender;
  /** What the app should tell its user, in one or two sentences; `{provider}` is the provider's name. */
  readonly show: string;
}

/**
 * Every reason why a connection is `degraded` or `needs_reconnect`, in one table: what it means, how it was proved, who can
 * mend it, and what the app should show its user. `docs/health.md` has the same table.
 */
export const STATUS_REASONS = {
  revoked: {
    meaning:
      'The grant was withdrawn at the provider: by the user, by an administrator, or by a security rule.',
    proof:
      'The provider refused the refresh token, and called a token of the grant dead or refused it once more.',
    mendedBy: 'user',
    show: 'Access to {provider} was withdrawn. Connect again; if you can’t sign in there, ask your administrator.',
  },
  refresh_token_expired: {
    meaning: 'The refresh token’s known end has come.',
    proof: 'Its end was told by the provider or is documented, and the provider refused it after that.',
    mendedBy: 'user',
    show: 'Access to {provider} ran out. Connect again.',
  },
  refresh_token_missing: {
    meaning: 'The access token has ended, and there is nothing to renew it with.',
    proof: 'The token’s own end has passed.',
    mendedBy: 'user',
    show: 'Access to {provider} ran out. Connect again.',
  },
  rotation_lost: {
    meaning: 'The answer to a refresh was lost, and with it the only refresh token that still works.',
    proof: 'A refresh was sent and its answer never arrived; the provider refuses the token from before.',
    mendedBy: 'user',
    show: 'Access to {provider} could not be renewed. Connect again.',
  },
  deployment_copied: {
    meaning: 'This database is a copy, and the grant is the original’s.',
    proof: 'The database’s identity is another deployment’s.',
    mendedBy: 'user',
    show: 'This copy of the app may not use that access. Connect again here.',
  },
  user_deactivated: {
    meaning: 'The account is suspended or deactivated at the provider.',
    proof:
      'The provider said so when it refused the token, and again when it was asked once more. Few do: Okta’s is `revoked`.',
    mendedBy: 'customer_admin',
    show: 'Your account at {provider} is deactivated. Ask your administrator, then connect again.',
  },
  app_deactivated: {
    meaning: 'The OAuth app is deactivated or deleted at the provider.',
    proof: 'The provider refused the client by saying that it is not active.',
    mendedBy: 'customer_admin',
    show: 'The app is switched off at {provider}. An administrator there can switch it on; nobody has to reconnect.',
  },
  client_secret_invalid: {
    meaning: 'The provider refuses the integration’s client ID or secret.',
    proof:
      'The provider answered invalid_client. It is the integration’s fault: all its connections have it.',
    mendedBy: 'developer',
    show: 'We have trouble with {provider} and are on it. You need not do anything.',
  },
  consent_required: {
    meaning: 'The provider wants consent given again, or no scope is granted to the app.',
    proof: 'The provider refused a refresh by saying so.',
    mendedBy: 'customer_admin',
    show: '{provider} wants your consent again. Connect again, or ask your administrator to allow the app.',
  },
  scope_lost: {
    meaning: 'A scope that was granted is missing from the token: the token is narrower than it was.',
    proof:
      'Introspection or a token answer no longer lists it (`lostScopes`), or the API refused with insufficient_scope (`failedApi`).',
    mendedBy: 'customer_admin',
    show: 'A permission was taken away at {provider}. Ask your administrator to give it back, or connect again.',
  },
  role_lost: {
    meaning: 'The token has the scope, but its account may not use it: it lacks the role that the API needs.',
    proof:
      'The token lives, and the API named in `failedApi` refused two calls in a row for want of a permission.',
    mendedBy: 'customer_admin',
    show: 'Your account at {provider} lacks a role that is needed. Ask your administrator for it; you need not reconnect.',
  },
  key_invalid: {
    meaning: 'The API key or the user name and password are not accepted any more.',
    proof: 'The provider refused them twice in a row.',
    mendedBy: 'user',
    show: 'The key for {provider} is not accepted any more. Enter a new one.',
  },
  rate_limited: {
    meaning: 'The provider asks for patience.',
    proof: 'It answered 429, or its documented limit was reached.',
    mendedBy: 'time',
    show: '{provider} is busy. It will be tried again.',
  },
  provider_down: {
    meaning: 'The provider does not answer, or not in a way that says anything of a credential.',
    proof: 'Refreshes failed more than once with 5xx, a timeout or no connection.',
    mendedBy: 'time',
    show: '{provider} does not answer right now. It will be tried again.',
  },
  configuration: {
    meaning:
      'A setting at the provider or of the integration stands in the way: an assignment, a network zone, DPoP.',
    proof:
      'The provider refused for a reason that is not the grant, or its API refuses a token that it calls living.',
    mendedBy: 'customer_admin',
    show: 'A setting at {provider} stands in the way. Ask your administrator; you need not reconnect.',
  },
} as const satisfies Record<StatusReason, StatusReasonEntry>;
