import type { DpopKey } from './dpop-key.js';
import type { DpopNonces } from './dpop-nonces.js';
import type { ProveKey } from './dpop-proof.js';
import type { FetchedAnswer, GuardedFetch } from './guarded-fetch.js';

/** An access token with what it takes to use it. Secret. */
export interface UsableToken {
  readonly accessToken: string;
  readonly tokenType: string;
  /** The key that the token is bound to; a `DPoP` token can't be used without it. */
  readonly dpopKey?: DpopKey | undefined;
}

/** Asks an API, or userinfo, with an access token. @throws FetchError */
export type AskResource = (url: string, token: UsableToken) => Promise<FetchedAnswer>;

const WANTS_NONCE = /\berror="?use_dpop_nonce"?/i;

/**
 * GETs with a token, and with a proof where it is bound to a key. An API that wants its nonce is asked once more.
 * @see RFC 9449 sections 7.1 and 9
 */
export const createAskResource =
  ({
    guardedFetch,
    proveKey,
    nonces,
  }: {
    readonly guardedFetch: GuardedFetch;
    readonly proveKey: ProveKey;
    readonly nonces: DpopNonces;
  }): AskResource =>
  async (url, { accessToken, tokenType, dpopKey }) => {
    const headers = { accept: 'application/json', authorization: `${tokenType} ${accessToken}` };
    if (tokenType !== 'DPoP' || dpopKey === undefined) return guardedFetch({ url, method: 'GET', headers });
    const ask = (): Promise<FetchedAnswer> => {
      const nonce = nonces.latest('api', url);
      const dpop = proveKey(dpopKey, { method: 'GET', url, nonce, accessToken });
      return guardedFetch({ url, method: 'GET', headers: { ...headers, dpop } });
    };
    const answer = await ask();
    const isNew = nonces.note('api', url, answer);
    const wantsNonce =
      [400, 401].includes(answer.status) && WANTS_NONCE.test(answer.headers['www-authenticate'] ?? '');
    if (!isNew || !wantsNonce) return answer;
    const second = await ask();
    nonces.note('api', url, second);
    return second;
  };
