import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { PrivateJwk } from '../jwk.js';

/** The key pair that a connection's tokens are bound to: a private JWK for ES256, of one connection only. Secret. */
export type DpopKey = PrivateJwk;

/** Makes the key of a connection, at its first token request. By the system's randomness: a key can't be injected. */
export const createDpopKey = async (): Promise<DpopKey> => {
  const { privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  const { x = '', y = '', d = '' } = privateKey.export({ format: 'jwk' });
  return { kty: 'EC', crv: 'P-256', x, y, d };
};
