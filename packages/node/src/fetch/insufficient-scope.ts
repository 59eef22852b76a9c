import type { Credential } from '@authpipe/types';
import { AuthpipeError } from '../errors.js';
import { challengeWithError } from './challenges.js';

/** Characters of a scope. @see RFC 6749 section 3.3 */
const SCOPE = /^[\x21\x23-\x5B\x5D-\x7E]{1,256}$/;
/** More than any call needs; what a provider writes goes into an error's message. */
const MOST_SCOPES = 50;

/**
 * The error of a call that the credential's scopes do not allow; `undefined` for any other answer.
 * `missingScopes` are those that the provider names and the credential lacks: none, where it names none.
 * @see RFC 6750 section 3.1
 */
export const insufficientScope = (response: Response, credential: Credential): AuthpipeError | undefined => {
  const challenge = response.status === 403 ? challengeWithError(response, 'insufficient_scope') : undefined;
  if (challenge === undefined) return undefined;
  const asked = (challenge.params.get('scope') ?? '').split(' ').filter((scope) => SCOPE.test(scope));
  const missingScopes = [...new Set(asked)]
    .filter((scope) => !credential.scopes.includes(scope) && !scope.includes(credential.credential))
    .slice(0, MOST_SCOPES);
  return new AuthpipeError('insufficient_scope', messageFor(missingScopes, credential.baseUrl), {
    status: 403,
    connectionId: credential.connectionId,
    missingScopes,
  });
};

const messageFor = (missing: readonly string[], baseUrl: string | null): string => {
  const who = baseUrl === null ? 'The provider' : new URL(baseUrl).origin;
  if (missing.length === 0) {
    return `${who} refused the call for want of a scope, and does not say which: compare what the call needs with the scopes of the connection, then have the person reconnect with more.`;
  }
  const plural = missing.length === 1 ? '' : 's';
  return `${who} refused the call: it needs the scope${plural} ${missing.join(', ')}. Add the scope${plural} to the integration or the connect session, then have the person reconnect.`;
};
