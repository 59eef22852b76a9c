import { hash } from 'node:crypto';
import type { ApiKeyScope } from '@authpipe/types';
import type { Randomness } from '../randomness.js';

/** Who calls: what an accepted API key stands for. */
export interface ApiKeyIdentity {
  readonly id: string;
  /** For people; unknown where somebody else vouches for the caller. */
  readonly name?: string;
  readonly environment: string;
  readonly scopes: readonly ApiKeyScope[];
  /** The only tenant that the key may touch; `null` for all. */
  readonly tenantId: string | null;
}

/** Whether a key may do what needs `scope`; `admin` may do all. */
export const allows = ({ scopes }: Pick<ApiKeyIdentity, 'scopes'>, scope: ApiKeyScope): boolean =>
  scopes.includes(scope) || scopes.includes('admin');

const SECRET_BYTES = 32;
/** Keys made here have 43 characters after the environment; those of `AUTHPIPE_API_KEY` may be shorter or longer. */
const KEY_PATTERN = /^ap_([a-z][a-z0-9]{0,31})_[A-Za-z0-9_-]{8,256}$/;
/** Of the secret part, shown in lists to recognise a key by: 24 of its 256 bits. */
const SHOWN_CHARACTERS = 4;

/** A new key of an environment: `ap_live_` and 256 random bits. */
export const makeApiKey = (environment: string, randomness: Randomness): string =>
  `ap_${environment}_${randomness.bytes(SECRET_BYTES).toString('base64url')}`;

/** The environment in a key's prefix; `null` when the text has not the form of a key. */
export const environmentOfKey = (key: string): string | null => KEY_PATTERN.exec(key)?.[1] ?? null;

/**
 * What is stored of a key, and what it is found by. One round of SHA-256 is enough: slow hashes protect what people
 * choose, and nobody guesses 256 random bits. Looking a digest up leaks no useful timing either, since nobody can choose
 * the digest of a key that they don't know.
 */
export const hashApiKey = (key: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(hash('sha256', key, 'buffer'));

/** `hashApiKey` in base64, to remember a key by. */
export const nameOfKey = (key: string): string => hash('sha256', key, 'base64');

/** The beginning of a key, for lists: `ap_live_x7Qd`. */
export const prefixOfKey = (key: string): string => {
  const environment = environmentOfKey(key) ?? '';
  return key.slice(0, `ap_${environment}_`.length + SHOWN_CHARACTERS);
};
