import type { Randomness } from '../randomness.js';
import { secretHash } from './secret-hash.js';

const SECRET_BYTES = 32;
const TOKEN = /^aps_[A-Za-z0-9_-]+\.([A-Za-z0-9_-]{43})$/;
const CODE = /^[A-Za-z0-9_-]{43}$/;

/** 256 random bits in base64url: state, codes, browser ids. */
export const newSecret = (randomness: Randomness): string =>
  randomness.bytes(SECRET_BYTES).toString('base64url');

/**
 * The browser's session token, `aps_<base64url of the server's URL>.<secret>`: the button reads from it which server to
 * go to.
 */
export const newSessionToken = (publicUrl: string, randomness: Randomness): string =>
  `aps_${Buffer.from(publicUrl).toString('base64url')}.${newSecret(randomness)}`;

/** What a session is found by; null for what can't be a token. The URL in front does not count: it may change. */
export const sessionTokenHash = (token: string): Uint8Array<ArrayBuffer> | null => {
  const secret = TOKEN.exec(token)?.[1];
  return secret === undefined ? null : secretHash(secret);
};

/** What a link's session is found by; null for what can't be a code. */
export const linkCodeHash = (code: string): Uint8Array<ArrayBuffer> | null =>
  CODE.test(code) ? secretHash(code) : null;
