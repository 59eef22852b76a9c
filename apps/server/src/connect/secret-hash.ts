import { createHash, timingSafeEqual } from 'node:crypto';

/** SHA-256 of a random secret: what is kept instead of it. Random 256-bit values need no salt and no slow hash. */
export const secretHash = (secret: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(createHash('sha256').update(secret, 'utf8').digest());

/** Compares hashes in constant time; null equals nothing. */
export const sameHash = (one: Uint8Array | null, other: Uint8Array | null): boolean =>
  one !== null && other !== null && one.length === other.length && timingSafeEqual(one, other);
