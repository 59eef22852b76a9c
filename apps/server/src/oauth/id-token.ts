import { createHash, timingSafeEqual } from 'node:crypto';
import type { ConnectionAccount } from '@authpipe/types';
import { rejectedSignIn } from './token-request-error.js';

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** The account that standard claims name, of an ID token or of userinfo. */
export const accountOfClaims = (claims: Readonly<Record<string, unknown>>): ConnectionAccount | null => {
  const id = text(claims.sub);
  if (id === undefined) return null;
  const name = text(claims.name) ?? text(claims.preferred_username);
  const email = text(claims.email);
  return { id, ...(name ? { name } : {}), ...(email ? { email } : {}) };
};

/** The digest that goes with a signature algorithm: `RS256` hashes with SHA-256; EdDSA with Ed25519 uses SHA-512. */
const digestOf = (algorithm: string): string =>
  /(256|384|512)$/.test(algorithm) ? `sha${algorithm.slice(-3)}` : 'sha512';

const algorithmOf = (idToken: string): string => {
  const header: unknown = JSON.parse(
    Buffer.from(idToken.split('.', 1)[0] ?? '', 'base64url').toString('utf8'),
  );
  return typeof header === 'object' && header !== null ? String(Reflect.get(header, 'alg')) : '';
};

/**
 * Checks that an ID token was issued together with the access token, where it says so. The library checks the rest.
 * @see OpenID Connect Core 1.0 section 3.1.3.8
 * @throws TokenRequestError
 */
export const checkAccessTokenHash = (
  idToken: string,
  claims: Readonly<Record<string, unknown>>,
  accessToken: string,
): void => {
  const expected = claims.at_hash;
  if (expected === undefined) return;
  const digest = createHash(digestOf(algorithmOf(idToken)))
    .update(accessToken, 'ascii')
    .digest();
  const half = Buffer.from(digest.subarray(0, digest.length / 2).toString('base64url'));
  const told = Buffer.from(String(expected));
  if (told.length !== half.length || !timingSafeEqual(told, half)) {
    throw rejectedSignIn('at_hash of another access token');
  }
};
