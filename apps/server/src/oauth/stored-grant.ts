import { fillParams } from '@authpipe/providers';
import { refreshTokenGrant, tokenRevocation } from 'openid-client';
import type { OpenLibraryClient } from './library-client.js';
import type { OAuth } from './oauth.js';
import type { ToTokenGrant } from './token-grant.js';
import { providerTrouble, toTokenRequestError } from './token-request-error.js';

const unreadable = () => providerTrouble('The provider sent an answer that can not be read.');

/** The requests for a grant that is already held: refresh and revocation. */
export const createStoredGrantRequests = ({
  openLibraryClient,
  toTokenGrant,
}: {
  readonly openLibraryClient: OpenLibraryClient;
  readonly toTokenGrant: ToTokenGrant;
}): Pick<OAuth, 'refresh' | 'revoke'> => ({
  /**
   * Sends no `scope`, which keeps the grant's own (RFC 6749 section 6). An ID token that comes along is dropped: the
   * account was established when the person connected, and its keys would have to be fetched each time.
   */
  refresh: async (target, refreshToken, leave) => {
    try {
      const client = await openLibraryClient(target, { leave });
      const parameters = fillParams(target.method.tokenParams ?? {}, target.config);
      await refreshTokenGrant(client.configuration, refreshToken, parameters);
      return await toTokenGrant(target, client.tokenAnswer(), null);
    } catch (error) {
      throw toTokenRequestError(error, unreadable);
    }
  },

  revoke: async (target, token, hint) => {
    try {
      const { configuration, server } = await openLibraryClient(target);
      if (server.metadata.revocation_endpoint === undefined) return false;
      await tokenRevocation(configuration, token, { token_type_hint: hint });
      return true;
    } catch (error) {
      throw toTokenRequestError(error, unreadable);
    }
  },
});
