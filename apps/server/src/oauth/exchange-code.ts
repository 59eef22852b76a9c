import { fillParams, fillUrl } from '@authpipe/providers';
import type { ConnectionAccount } from '@authpipe/types';
import { authorizationCodeGrant, fetchUserInfo, skipSubjectCheck } from 'openid-client';
import type { Logger } from '../log/logger.js';
import type { GuardedFetch } from './guarded-fetch.js';
import { accountOfClaims, checkAccessTokenHash } from './id-token.js';
import type { LibraryClient, OpenLibraryClient } from './library-client.js';
import type { OAuth, OAuthTarget } from './oauth.js';
import type { TokenAnswer } from './token-answer.js';
import type { ToTokenGrant } from './token-grant.js';
import { rejectedSignIn, toTokenRequestError } from './token-request-error.js';

/**
 * Swaps a code for tokens. openid-client checks `state`, `iss` (RFC 9207), and of the ID token issuer, audience, nonce,
 * times and, by the provider's keys, the signature; `at_hash` is checked here.
 */
export const createExchangeCode = ({
  openLibraryClient,
  guardedFetch,
  toTokenGrant,
  allowLoopback,
  log,
}: {
  readonly openLibraryClient: OpenLibraryClient;
  readonly guardedFetch: GuardedFetch;
  readonly toTokenGrant: ToTokenGrant;
  readonly allowLoopback: boolean;
  readonly log: Logger;
}): OAuth['exchangeCode'] => {
  const askUserinfo = async (
    { configuration, server }: LibraryClient,
    { accessToken }: TokenAnswer,
    subject: string | null,
  ): Promise<ConnectionAccount | null> => {
    if (server.metadata.userinfo_endpoint === undefined) return null;
    return accountOfClaims(await fetchUserInfo(configuration, accessToken, subject ?? skipSubjectCheck));
  };

  const askApi = async (
    { method, config }: OAuthTarget,
    { accessToken, tokenType }: TokenAnswer,
  ): Promise<ConnectionAccount | null> => {
    if (!method.account) return null;
    const { status, body } = await guardedFetch({
      url: fillUrl(method.account.url, config, { allowLoopback }),
      method: 'GET',
      headers: { accept: 'application/json', authorization: `${tokenType} ${accessToken}` },
    });
    return status === 200 ? method.account.read(body) : null;
  };

  /** Who signed in. A provider that won't tell more than the ID token does not make the sign-in fail. */
  const findAccount = async (
    target: OAuthTarget,
    client: LibraryClient,
    answer: TokenAnswer,
    claimed: ConnectionAccount | null,
  ): Promise<ConnectionAccount | null> => {
    if (claimed?.name !== undefined && claimed.email !== undefined) return claimed;
    try {
      const told = target.method.openidConnect
        ? await askUserinfo(client, answer, claimed?.id ?? null)
        : null;
      return told || claimed
        ? { ...told, ...claimed, id: claimed?.id ?? told?.id ?? '' }
        : await askApi(target, answer);
    } catch (error) {
      log.info(
        { provider: target.definition.id, err: toTokenRequestError(error, () => rejectedSignIn('')) },
        'the provider did not tell more about the account',
      );
      return claimed;
    }
  };

  return async (target, input) => {
    const { method } = target;
    const client = await openLibraryClient(target, { keepIdToken: true });
    const { issuer } = client.server;
    if (issuer !== input.expectedIssuer) {
      throw rejectedSignIn('The provider changed its identity during the sign-in. Start connecting again.');
    }
    const callbackUrl = new URL(input.callbackUrl);
    // Where no issuer is known, `iss` can be compared with nothing.
    if (issuer === null) callbackUrl.searchParams.delete('iss');
    try {
      const tokens = await authorizationCodeGrant(
        client.configuration,
        callbackUrl,
        {
          expectedState: input.expectedState,
          ...(method.pkce === 'S256' ? { pkceCodeVerifier: input.codeVerifier } : {}),
          ...(client.checksIdTokens ? { expectedNonce: input.expectedNonce, idTokenExpected: true } : {}),
        },
        fillParams(method.tokenParams ?? {}, target.config),
      );
      const answer = client.tokenAnswer();
      const claims = tokens.claims();
      if (claims && tokens.id_token) checkAccessTokenHash(tokens.id_token, claims, answer.accessToken);
      const account = await findAccount(target, client, answer, claims ? accountOfClaims(claims) : null);
      return await toTokenGrant(target, answer, account);
    } catch (error) {
      throw toTokenRequestError(error, () =>
        rejectedSignIn('What the provider sent back did not pass the checks. Nothing was connected.'),
      );
    }
  };
};
