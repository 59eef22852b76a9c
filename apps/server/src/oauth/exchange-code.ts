import { fillParams, fillUrl } from '@authpipe/providers';
import type { ConnectionAccount } from '@authpipe/types';
import { authorizationCodeGrant, fetchUserInfo, skipSubjectCheck } from 'openid-client';
import type { Logger } from '../log/logger.js';
import type { AskResource, UsableToken } from './ask-resource.js';
import { failedCheckOf } from './failed-check.js';
import { accountOfClaims, checkAccessTokenHash } from './id-token.js';
import type { LibraryClient, OpenLibraryClient } from './library-client.js';
import type { CodeExchangeInput, OAuth, OAuthTarget, TokenGrant } from './oauth.js';
import { repeatWithNonce } from './repeat-with-nonce.js';
import type { ToTokenGrant } from './token-grant.js';
import { rejectedSignIn, toTokenRequestError } from './token-request-error.js';

/**
 * Swaps a code for tokens. openid-client checks `state`, `iss` (RFC 9207), and of the ID token issuer, audience, nonce,
 * times and, by the provider's keys, the signature; `at_hash` is checked here.
 */
export const createExchangeCode = ({
  openLibraryClient,
  askResource,
  toTokenGrant,
  allowLoopback,
  log,
}: {
  readonly openLibraryClient: OpenLibraryClient;
  readonly askResource: AskResource;
  readonly toTokenGrant: ToTokenGrant;
  readonly allowLoopback: boolean;
  readonly log: Logger;
}): OAuth['exchangeCode'] => {
  const askUserinfo = async (
    { configuration, server }: LibraryClient,
    { accessToken }: UsableToken,
    subject: string | null,
  ): Promise<ConnectionAccount | null> => {
    if (server.metadata.userinfo_endpoint === undefined) return null;
    return accountOfClaims(await fetchUserInfo(configuration, accessToken, subject ?? skipSubjectCheck));
  };

  const askApi = async (
    { method, config }: OAuthTarget,
    token: UsableToken,
  ): Promise<ConnectionAccount | null> => {
    if (!method.account) return null;
    const { status, body } = await askResource(fillUrl(method.account.url, config, { allowLoopback }), token);
    return status === 200 ? method.account.read(body) : null;
  };

  /** Who signed in. A provider that won't tell more than the ID token does not make the sign-in fail. */
  const findAccount = async (
    target: OAuthTarget,
    client: LibraryClient,
    token: UsableToken,
    claimed: ConnectionAccount | null,
  ): Promise<ConnectionAccount | null> => {
    if (claimed?.name !== undefined && claimed.email !== undefined) return claimed;
    try {
      const told = target.method.openidConnect ? await askUserinfo(client, token, claimed?.id ?? null) : null;
      return told || claimed
        ? { ...told, ...claimed, id: claimed?.id ?? told?.id ?? '' }
        : await askApi(target, token);
    } catch (error) {
      log.info(
        {
          provider: target.definition.id,
          err: toTokenRequestError(error, () => rejectedSignIn(failedCheckOf(error))),
        },
        'the provider did not tell more about the account',
      );
      return claimed;
    }
  };

  const exchange = async (
    target: OAuthTarget,
    client: LibraryClient,
    input: CodeExchangeInput,
  ): Promise<TokenGrant> => {
    const { method } = target;
    const callbackUrl = new URL(input.callbackUrl);
    // Where no issuer is known, `iss` can be compared with nothing.
    if (client.server.issuer === null) callbackUrl.searchParams.delete('iss');
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
    const token = { ...answer, dpopKey: input.dpopKey };
    const account = await findAccount(target, client, token, claims ? accountOfClaims(claims) : null);
    return toTokenGrant(target, answer, account);
  };

  return async (target, input) => {
    let gaveNonce = false;
    try {
      const client = await openLibraryClient(target, {
        keepIdToken: true,
        dpopKey: input.dpopKey,
        onNonce: () => {
          gaveNonce = true;
        },
      });
      // The nonce that was sent is worth nothing unless the ID token that answers it can be believed.
      if (target.method.openidConnect && !client.checksIdTokens) {
        throw rejectedSignIn('ID token without published keys to check it by');
      }
      if (client.server.issuer !== input.expectedIssuer) {
        throw rejectedSignIn(
          'issuer other than at the start',
          'The provider changed its identity during the sign-in. Start connecting again.',
        );
      }
      return await repeatWithNonce(
        () => exchange(target, client, input),
        () => gaveNonce,
      );
    } catch (error) {
      throw toTokenRequestError(error, () => rejectedSignIn(failedCheckOf(error)));
    }
  };
};
