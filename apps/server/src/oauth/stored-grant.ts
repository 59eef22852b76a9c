import { tokenRevocation } from 'openid-client';
import type { OpenLibraryClient } from './library-client.js';
import type { OAuth } from './oauth.js';
import { providerTrouble, toTokenRequestError } from './token-request-error.js';

const unreadable = () => providerTrouble('The provider sent an answer that can not be read.');

/** The end of a grant that is held. */
export const createStoredGrantRequests = (openLibraryClient: OpenLibraryClient): Pick<OAuth, 'revoke'> => ({
  revoke: async (target, token, hint) => {
    try {
      const { configuration, server } = await openLibraryClient(target, { endpoint: 'revocation_endpoint' });
      if (server.metadata.revocation_endpoint === undefined) return false;
      await tokenRevocation(configuration, token, { token_type_hint: hint });
      return true;
    } catch (error) {
      throw toTokenRequestError(error, unreadable);
    }
  },
});
