import { fillParams } from '@authpipe/providers';
import { clientCredentialsGrant, refreshTokenGrant } from 'openid-client';
import type { OpenLibraryClient } from './library-client.js';
import type { OAuth, Renewal, RenewOptions, TokenGrant, TokenTarget } from './oauth.js';
import { repeatWithNonce } from './repeat-with-nonce.js';
import type { ToTokenGrant } from './token-grant.js';
import { providerTrouble, toTokenRequestError } from './token-request-error.js';

/**
 * Asks for the next access token. A refresh sends no `scope`, which keeps the grant's own (RFC 6749 section 6). An ID
 * token that comes along is dropped: the account was established when the person connected, and its keys would have to
 * be fetched each time. A refresh token that comes with client credentials is dropped too (RFC 6749 section 4.4.3).
 */
export const createRenew = ({
  openLibraryClient,
  toTokenGrant,
}: {
  readonly openLibraryClient: OpenLibraryClient;
  readonly toTokenGrant: ToTokenGrant;
}): OAuth['renew'] => {
  const ask = async (
    target: TokenTarget,
    renewal: Renewal,
    { dpopKey, leave }: RenewOptions,
    seen: { gaveNonce: boolean },
  ): Promise<TokenGrant> => {
    const client = await openLibraryClient(target, {
      dpopKey,
      leave,
      onNonce: () => Object.assign(seen, { gaveNonce: true }),
    });
    const parameters = fillParams(target.method.tokenParams ?? {}, target.config);
    if (renewal.grant === 'refresh_token') {
      await refreshTokenGrant(client.configuration, renewal.refreshToken, parameters);
    } else {
      const scope = renewal.scopes.join(target.method.scopeSeparator);
      await clientCredentialsGrant(client.configuration, {
        ...parameters,
        ...(scope === '' ? {} : { scope }),
      });
    }
    const grant = await toTokenGrant(target, client.tokenAnswer(), null);
    return renewal.grant === 'refresh_token' ? grant : { ...grant, refreshToken: null };
  };

  return async (target, renewal, options = {}) => {
    const seen = { gaveNonce: false };
    try {
      return await repeatWithNonce(
        () => ask(target, renewal, options, seen),
        () => seen.gaveNonce,
      );
    } catch (error) {
      throw toTokenRequestError(error, () =>
        providerTrouble('The provider sent an answer that can not be read.'),
      );
    }
  };
};
