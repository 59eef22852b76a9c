import type { KeyObject } from 'node:crypto';
import type { Credential } from '@authpipe/types';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.js';
import { AuthpipeError } from '../errors.js';
import { nodeCrypto } from '../node-modules.js';
import { challengeWithError } from './challenges.js';

/** The request that a proof is for. */
export interface ProvedRequest {
  readonly method: string;
  readonly url: URL;
}

interface ProofKey {
  readonly key: KeyObject;
  readonly publicJwk: object;
}

/** Origins whose nonce is remembered; a forgotten one costs one more request. */
const MOST_ORIGINS = 1_000;
/** Longer than any real nonce: it is sent along with every request. */
const LONGEST_NONCE = 1_024;

/** Whether requests with this credential need a proof. */
export const needsProof = ({ tokenType }: Credential): boolean => tokenType.toLowerCase() === 'dpop';

/** Whether the only fault of a request was that its proof lacked the nonce. @see RFC 9449 section 9 */
export const asksForNonce = (response: Response): boolean =>
  response.status === 401 &&
  response.headers.has('dpop-nonce') &&
  challengeWithError(response, 'use_dpop_nonce') !== undefined;

/** Makes proofs of possession for requests to APIs, and remembers each origin's last nonce. */
export class DpopProver {
  readonly #clock: Clock;
  readonly #randomBytes: (size: number) => Buffer;
  readonly #nonces = new LRUCache<string, string>({ max: MOST_ORIGINS });
  readonly #keys = new WeakMap<Credential, ProofKey>();

  constructor(clock: Clock, random: (size: number) => Buffer = (size) => nodeCrypto().randomBytes(size)) {
    this.#clock = clock;
    this.#randomBytes = random;
  }

  /** Takes note of the nonce of an answer: any answer may bring the next one. @see RFC 9449 section 8.2 */
  learn({ url }: ProvedRequest, response: Response): void {
    const nonce = response.headers.get('dpop-nonce');
    if (nonce !== null && nonce !== '' && nonce.length <= LONGEST_NONCE) this.#nonces.set(url.origin, nonce);
  }

  /** The `DPoP` header of one request, good for this one alone. @see RFC 9449 section 4.2 */
  proof(credential: Credential, { method, url }: ProvedRequest): string {
    const { key, publicJwk } = this.#keyOf(credential);
    const nonce = this.#nonces.get(url.origin);
    const claims = {
      jti: this.#randomBytes(16).toString('base64url'),
      htm: method,
      htu: `${url.origin}${url.pathname}`,
      iat: Math.floor(this.#clock.now() / 1_000),
      ath: nodeCrypto().createHash('sha256').update(credential.credential, 'ascii').digest('base64url'),
      ...(nonce === undefined ? {} : { nonce }),
    };
    const signed = `${encoded({ typ: 'dpop+jwt', alg: 'ES256', jwk: publicJwk })}.${encoded(claims)}`;
    // JWS wants the two numbers side by side, not in DER (RFC 7518 section 3.4).
    const signature = nodeCrypto().sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  }

  #keyOf(credential: Credential): ProofKey {
    let held = this.#keys.get(credential);
    if (held === undefined) {
      held = readKey(credential);
      this.#keys.set(credential, held);
    }
    return held;
  }
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const readKey = ({ fields, connectionId }: Credential): ProofKey => {
  try {
    const jwk = JSON.parse(fields?.dpopPrivateKey ?? '');
    const { kty, crv, x, y } = jwk;
    if (kty !== 'EC' || crv !== 'P-256') throw new TypeError('not a key for ES256');
    return { key: nodeCrypto().createPrivateKey({ key: jwk, format: 'jwk' }), publicJwk: { kty, crv, x, y } };
  } catch {
    // No cause: the parser's error quotes the key.
    throw new AuthpipeError(
      'internal_error',
      'The token of this connection is bound to a key (DPoP) that Authpipe did not give, or not in a form that can sign: bring the server and this package to one version, then have the person reconnect.',
      { connectionId, retryable: false },
    );
  }
};
