import { fillParams } from '@authpipe/providers';
import {
  buildAuthorizationUrl,
  buildAuthorizationUrlWithPAR,
  calculatePKCECodeChallenge,
} from 'openid-client';
import type { LibraryClient, OpenLibraryClient } from './library-client.js';
import type { OAuth } from './oauth.js';
import { type TokenRequestError, toTokenRequestError, wrongSetup } from './token-request-error.js';

/** Characters that every provider takes in `state`; Okta refuses base64's others. */
const STATE = /^[A-Za-z0-9_-]{22,}$/;

const notAsked = (): TokenRequestError => wrongSetup('The provider can not be asked for authorization.');

/**
 * The address with the request in it, or, where the provider takes requests beforehand, with no more than a reference:
 * nothing of the request then passes through the browser. A provider that offers this and does not do it is asked the
 * usual way, unless it demands it.
 * @see RFC 9126 sections 2 and 5
 */
const addressOf = async (
  { configuration, server: { metadata } }: LibraryClient,
  parameters: Record<string, string>,
): Promise<URL> => {
  const isDemanded = metadata.require_pushed_authorization_requests === true;
  if (metadata.pushed_authorization_request_endpoint === undefined) {
    if (isDemanded) throw wrongSetup('The provider wants requests beforehand and does not say where.');
    return buildAuthorizationUrl(configuration, parameters);
  }
  try {
    return await buildAuthorizationUrlWithPAR(configuration, parameters);
  } catch (error) {
    if (isDemanded) throw toTokenRequestError(error, notAsked);
    return buildAuthorizationUrl(configuration, parameters);
  }
};

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
      const client = await openLibraryClient(target, { endpoint: 'pushed_authorization_request_endpoint' });
      const { server, checksIdTokens } = client;
      const challenges = server.metadata.code_challenge_methods_supported;
      if (method.pkce === 'S256' && challenges !== undefined && !challenges.includes('S256')) {
        throw wrongSetup('The provider no longer offers PKCE with S256, so connecting would not be safe.');
      }
      if (method.openidConnect && !checksIdTokens) {
        throw wrongSetup(
          'The provider does not publish the keys of its ID tokens, so they can not be checked.',
        );
      }
      const url = await addressOf(client, {
        ...fillParams(method.authorizationParams ?? {}, target.config),
        response_type: 'code',
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
      throw toTokenRequestError(error, notAsked);
    }
  };
