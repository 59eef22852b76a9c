import { tokenIntrospection, tokenRevocation } from 'openid-client';
import type { OpenLibraryClient } from './library-client.js';
import type { OAuth, TokenHint } from './oauth.js';
import { providerTrouble, toTokenRequestError } from './token-request-error.js';

const unreadable = () => providerTrouble('The provider sent an answer that can not be read.');

/** The requests for a grant that is already held, beside its renewal: revocation, introspection. */
export const createStoredGrantRequests = (
  openLibraryClient: OpenLibraryClient,
): Pick<OAuth, 'revoke' | 'introspect'> => ({
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

  introspect: async (target, token, hint: TokenHint) => {
    try {
      const { configuration, server } = await openLibraryClient(target, {
        endpoint: 'introspection_endpoint',
      });
      if (server.metadata.introspection_endpoint === undefined) return null;
      const { active, exp, scope } = await tokenIntrospection(configuration, token, {
        token_type_hint: hint,
      });
      return {
        active,
        expiresAt: typeof exp === 'number' && exp > 0 ? new Date(exp * 1000) : null,
        scopes: scope ? scope.split(/\s+/).filter(Boolean) : null,
      };
    } catch (error) {
      throw toTokenRequestError(error, unreadable);
    }
  },
});
