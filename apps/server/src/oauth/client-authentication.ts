import type { webcrypto } from 'node:crypto';
import {
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  modifyAssertion,
  None,
  PrivateKeyJwt,
} from 'openid-client';
import type { PrivateJwk } from '../jwk.js';
import type { TokenTarget } from './oauth.js';
import { TokenRequestError, wrongSetup } from './token-request-error.js';

/** What Web Crypto has to be told of each algorithm that a client may sign with. @see RFC 7518 section 3.1 */
const ALGORITHMS: Readonly<Record<string, webcrypto.RsaHashedImportParams | webcrypto.EcKeyImportParams>> = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  RS384: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-384' },
  RS512: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384' },
};

type SigningKey = Exclude<Parameters<typeof PrivateKeyJwt>[0], { readonly key: unknown }>;

const signingKey = async (jwk: PrivateJwk): Promise<webcrypto.CryptoKey> => {
  const algorithm = ALGORITHMS[jwk.alg ?? ''];
  if (!algorithm) throw wrongSetup('The integration’s private key is of a kind that can not sign.');
  // `key_ops` and `use` of a brought key may say other things than Web Crypto wants to hear.
  const { key_ops: _ops, use: _use, ...key } = jwk;
  return crypto.subtle.importKey('jwk', key, algorithm, false, ['sign']);
};

/**
 * How a client proves itself at one endpoint of the provider. An assertion is made out to that endpoint, as Okta wants it,
 * and so is worth nothing anywhere else. @see RFC 7523 section 3
 * @throws TokenRequestError when the integration has not what it takes
 */
export const clientAuthentication = async (
  { method, client }: TokenTarget,
  endpoint: string,
): Promise<ClientAuth> => {
  if (method.clientAuthentication === 'none') return None();
  if (method.clientAuthentication === 'private_key_jwt') {
    if (!client.clientKey) {
      throw wrongSetup('The integration has no private key to sign with. PUT it again: that makes one.');
    }
    // The same key by two names: with the browser's types at hand, those of Node are others.
    const key = (await signingKey(client.clientKey)) as SigningKey;
    const { kid } = client.clientKey;
    return PrivateKeyJwt(kid === undefined ? key : { key, kid }, {
      [modifyAssertion]: (_header, payload) => {
        payload.aud = endpoint;
      },
    });
  }
  if (client.clientSecret === null) {
    throw new TokenRequestError({
      outcome: 'integration',
      reason: 'client_secret_invalid',
      detail: 'The integration has no client secret. Set one on the integration; nobody has to reconnect.',
    });
  }
  return method.clientAuthentication === 'client_secret_basic'
    ? ClientSecretBasic(client.clientSecret)
    : ClientSecretPost(client.clientSecret);
};
