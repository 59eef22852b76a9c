import type { HttpAnswer } from '@authpipe/providers';
import { LRUCache } from 'lru-cache';

/** One per authorization server and one per API in use; a nonce is some 50 bytes. */
const NONCE_LIMIT = 4_000;
/** A nonce goes into a header; what is longer than this, or holds other characters, is no nonce. @see RFC 9449 section 8.1 */
const NONCE = /^[\x21\x23-\x5b\x5d-\x7e]{1,512}$/;

/** Whose nonce: token endpoints and APIs give their own, also where they share a host. @see RFC 9449 section 9 */
export type NonceGiver = 'authorization_server' | 'api';

/** The last nonce of each server, in memory: another replica or a restart costs one repeated request each. */
export interface DpopNonces {
  latest(giver: NonceGiver, url: string): string | null;
  /** Keeps the nonce of an answer, whatever its status. @returns whether there was one */
  note(giver: NonceGiver, url: string, answer: Pick<HttpAnswer, 'headers'>): boolean;
}

/** Nonces, remembered by origin. */
export const createDpopNonces = (): DpopNonces => {
  const nonces = new LRUCache<string, string>({ max: NONCE_LIMIT });
  const keyOf = (giver: NonceGiver, url: string): string => `${giver} ${new URL(url).origin}`;
  return {
    latest: (giver, url) => nonces.get(keyOf(giver, url)) ?? null,
    note(giver, url, { headers }) {
      const nonce = headers['dpop-nonce'];
      if (nonce === undefined || !NONCE.test(nonce)) return false;
      nonces.set(keyOf(giver, url), nonce);
      return true;
    },
  };
};
