import { fillParams } from '@authpipe/providers';
import { buildAuthorizationUrl, calculatePKCECodeChallenge } from 'openid-client';
import type { OpenLibraryClient } from './library-client.js';
import type { OAuth } from './oauth.js';
import { toTokenRequestError, wrongSetup } from './token-request-error.js';

/** Characters that every provider takes in `state`; Okta refuses base64's others. */
const STATE = /^[A-Za-z0-9_-]{22,}$/;

/**
 * Builds the address to send the person to: code flow alone, with PKCE S256 wherever the provider can.
 * @see RFC 7636 section 4.3, RFC 9700 section 2.1
 */
export const createAuthorizationUrl =
  (openLibraryClient: OpenLibraryClient): OAuth['authorizationUrl'] =>
  async (target, { redirectUri, state, nonce, codeVerifier, scopes, loginHint }) => {
    if (!STATE.test(state)) throw new TypeError('state must be base64url of at least 16 bytes');
    const { method } = target;
    try {
      const { configuration, server } = await openLibraryClient(target);
      const challenges = server.metadata.code_challenge_methods_supported;
      if (method.pkce === 'S256' && challenges !== undefined && !challenges.includes('S256')) {
        throw wrongSetup('The provider no longer offers PKCE with S256, so connecting would not be safe.');
      }
      const url = buildAuthorizationUrl(configuration, {
        ...fillParams(method.authorizationParams ?? {}, target.config),
        redirect_uri: redirectUri,
        scope: scopes.join(method.scopeSeparator),
        state,
        ...(method.openidConnect ? { nonce } : {}),
        ...(method.pkce === 'S256'
          ? {
              code_challenge: await calculatePKCECodeChallenge(codeVerifier),
              code_challenge_method: 'S256',
            }
          : {}),
        ...(loginHint === undefined ? {} : { login_hint: loginHint }),
      });
      return { url, issuer: server.issuer };
    } catch (error) {
      throw toTokenRequestError(error, () => wrongSetup('The provider can not be asked for authorization.'));
    }
  };
