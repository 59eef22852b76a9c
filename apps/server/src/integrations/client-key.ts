import { createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { PrivateJwk, PublicJwk } from '../jwk.js';

/** A key that a client signs with, in both halves. `privateJwk` is secret. */
export interface ClientKey {
  readonly privateJwk: PrivateJwk;
  /** With `kid`, `alg` and `use`: as it is registered at the provider. */
  readonly publicJwk: PublicJwk;
}

/** A key of less is refused: it could be factored. @see RFC 7518 section 3.3 */
const SMALLEST_RSA_BITS = 2048;

const strings = (jwk: object): Record<string, string> =>
  Object.fromEntries(
    Object.entries(jwk).filter((member): member is [string, string] => typeof member[1] === 'string'),
  );

/** Members that make the thumbprint, in their order. @see RFC 7638 section 3.2 */
const thumbprintOf = ({ crv = '', e = '', kty, n = '', x = '', y = '' }: PublicJwk): string => {
  const members = kty === 'RSA' ? { e, kty, n } : { crv, kty, x, y };
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
};

/** Which algorithms a key can sign with; the first is taken where nothing says otherwise. */
const algorithmsOf = ({ kty, crv }: PublicJwk): readonly string[] => {
  if (kty === 'RSA') return ['RS256', 'RS384', 'RS512', 'PS256'];
  if (kty !== 'EC') return [];
  return crv === 'P-256' ? ['ES256'] : crv === 'P-384' ? ['ES384'] : [];
};

const toClientKey = (privateKey: KeyObject, named: { kid?: unknown; alg?: unknown }): ClientKey | null => {
  const publicPart = strings(createPublicKey(privateKey).export({ format: 'jwk' }));
  const bare: PublicJwk = { ...publicPart, kty: publicPart.kty ?? '' };
  const algorithms = algorithmsOf(bare);
  const alg = named.alg === undefined ? algorithms[0] : algorithms.find((each) => each === named.alg);
  if (alg === undefined) return null;
  const kid = typeof named.kid === 'string' && named.kid !== '' ? named.kid : thumbprintOf(bare);
  const publicJwk = { ...bare, kid, alg, use: 'sig' };
  const { d = '', ...rest } = strings(privateKey.export({ format: 'jwk' }));
  return { publicJwk, privateJwk: { ...rest, ...publicJwk, d } };
};

/** Makes a key for a client: RSA with 2048 bits for RS256, which providers name first (Okta). By the system's randomness. */
export const createClientKey = async (): Promise<ClientKey> => {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: SMALLEST_RSA_BITS });
  const key = toClientKey(privateKey, {});
  if (!key) throw new Error('An RSA key must be able to sign.');
  return key;
};

/** What a brought key has to be, in words of the API. */
export const CLIENT_KEY_RULE =
  'must be a private key, as JWK or as PEM in PKCS#8: RSA of 2048 bits or more, or EC on P-256 or P-384.';

const readKey = (given: string | Readonly<Record<string, unknown>>): KeyObject =>
  typeof given === 'string'
    ? createPrivateKey({ key: given, format: 'pem' })
    : createPrivateKey({ key: strings(given), format: 'jwk' });

/** Reads a key that somebody brings; `null` for one that {@link CLIENT_KEY_RULE} does not allow. Its words are told to nobody. */
export const readClientKey = (given: string | Readonly<Record<string, unknown>>): ClientKey | null => {
  try {
    const key = readKey(given);
    const bits = key.asymmetricKeyDetails?.modulusLength ?? SMALLEST_RSA_BITS;
    return bits < SMALLEST_RSA_BITS ? null : toClientKey(key, typeof given === 'string' ? {} : given);
  } catch {
    return null;
  }
};
