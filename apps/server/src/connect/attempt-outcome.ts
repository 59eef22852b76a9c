import type { ConnectionRecord } from '../credentials/credential-record.js';
import type { TokenRequestError } from '../oauth/token-request-error.js';
import type { ConnectSession } from './connect-session.js';

type SessionError = NonNullable<ConnectSession['error']>;

/** An attempt that brought no connection: `isFinal` ends the session, else the person may try again in it. */
export interface FailedAttempt {
  readonly error: SessionError;
  readonly isFinal: boolean;
  /** Which check the provider's answer did not pass, for the audit. */
  readonly failedCheck?: string | null;
}

const failed = (code: SessionError['code'], detail: string, isFinal: boolean): FailedAttempt => ({
  error: { code, detail },
  isFinal,
});

/** Errors of the authorization endpoint that may pass: the rest is a matter of set-up. @see RFC 6749 section 4.1.2.1 */
const PASSING = new Set([
  'server_error',
  'temporarily_unavailable',
  'login_required',
  'interaction_required',
  'account_selection_required',
  'unmet_authentication_requirements',
]);

/**
 * What the `error` of a callback means, in our words: the provider's are not repeated. `told` is what the definition makes
 * of it, where somebody has to change something at the provider first.
 */
export const readCallbackError = (
  error: string,
  provider: string,
  told: string | null = null,
): FailedAttempt => {
  if (told !== null) return failed('provider_error', `${told} Nothing was connected.`, true);
  if (error === 'access_denied') {
    return failed('access_denied', `Access was declined at ${provider}. Nothing was connected.`, true);
  }
  return PASSING.has(error)
    ? failed('provider_error', `${provider} could not finish the sign-in. It may work on another try.`, false)
    : failed(
        'provider_error',
        `${provider} refused the request of the app: its set-up has to be checked.`,
        true,
      );
};

/** What a failed exchange means for the session. */
export const readExchangeError = (
  { verdict, failedCheck, message }: TokenRequestError,
  provider: string,
): FailedAttempt => {
  if (verdict.outcome === 'transient') {
    const detail = `${provider} did not answer as it should. It may work on another try.`;
    return { ...failed('provider_error', detail, false), failedCheck: message };
  }
  const isFinal = verdict.outcome === 'integration' || verdict.outcome === 'configuration';
  return { ...failed('provider_error', verdict.detail, isFinal), failedCheck: failedCheck ?? message };
};

/** The callback brought neither a code nor an error. */
export const missingCode = (provider: string): FailedAttempt => ({
  ...failed('provider_error', `${provider} sent no code. Start connecting again.`, false),
  failedCheck: 'neither a code nor an error',
});

/** The answer names another provider than the one that was asked. */
export const foreignAnswer = (provider: string): FailedAttempt => ({
  ...failed(
    'provider_error',
    `The answer did not come from ${provider}, so it was not used. Start connecting again.`,
    false,
  ),
  failedCheck: 'iss or redirect URI of another provider',
});

export const integrationGone = (): FailedAttempt =>
  failed('integration_not_configured', 'The integration was removed during the sign-in.', true);

export const integrationChanged = (): FailedAttempt =>
  failed(
    'provider_error',
    'The set-up of the app changed during the sign-in. Start connecting again.',
    false,
  );

export const connectionGone = (): FailedAttempt =>
  failed('session_expired', 'The connection that was to be mended was deleted meanwhile.', true);

const SAVED_BY_ANOTHER =
  'Another window of this session was quicker. Start connecting again if nothing was connected.';
export const overtaken = (): FailedAttempt => failed('provider_error', SAVED_BY_ANOTHER, false);

/**
 * Whether the account that signed in is the one that a reconnect expects: another one would put a stranger's data under
 * the connection that the app already uses. @returns null when it may go on
 */
export const compareAccounts = (
  { account: expected }: ConnectionRecord,
  found: ConnectionRecord['account'],
  provider: string,
): FailedAttempt | null => {
  if (expected === null || expected.id === found?.id) return null;
  if (found === null) {
    return failed('provider_error', `${provider} did not tell which account signed in. Try again.`, false);
  }
  const name = expected.email ?? expected.name;
  return failed(
    'account_mismatch',
    name === undefined
      ? `Another ${provider} account signed in than the one that was connected before. Nothing was changed.`
      : `Another ${provider} account signed in than ${name}, which was connected before. Nothing was changed.`,
    true,
  );
};
