import { createHash, createPrivateKey, sign } from 'node:crypto';
import type { Clock } from '../clock.js';
import type { Randomness } from '../randomness.js';
import type { DpopKey } from './dpop-key.js';

/** What one proof is for: it is good for one request, once. */
export interface ProvedRequest {
  readonly method: string;
  readonly url: string;
  /** The last nonce of the server that is asked; null where it gave none. */
  readonly nonce: string | null;
  /** The token that goes along to an API; left out at a token endpoint. */
  readonly accessToken?: string;
}

/** Writes the `DPoP` header of one request. */
export type ProveKey = (key: DpopKey, request: ProvedRequest) => string;

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The URL without query and fragment. @see RFC 9449 section 4.2 */
const targetUri = (url: string): string => {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
};

/**
 * Makes proofs of possession: each with an id of its own, so that a repeated request is never taken for a replay.
 * @see RFC 9449 section 4.2
 */
export const createProveKey =
  ({ clock, randomness }: { readonly clock: Clock; readonly randomness: Randomness }): ProveKey =>
  (key, { method, url, nonce, accessToken }) => {
    const { kty, crv, x, y } = key;
    const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } };
    const claims = {
      jti: randomness.bytes(16).toString('base64url'),
      htm: method.toUpperCase(),
      htu: targetUri(url),
      iat: Math.floor(clock.now().getTime() / 1000),
      ...(nonce === null ? {} : { nonce }),
      ...(accessToken === undefined
        ? {}
        : { ath: createHash('sha256').update(accessToken, 'ascii').digest('base64url') }),
    };
    const input = `${encoded(header)}.${encoded(claims)}`;
    const privateKey = createPrivateKey({ key: { ...key }, format: 'jwk' });
    // JWS wants the two numbers side by side, not in DER (RFC 7518 section 3.4).
    const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return `${input}.${signature.toString('base64url')}`;
  };
