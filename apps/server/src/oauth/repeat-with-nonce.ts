import { TokenRequestError } from './token-request-error.js';

/**
 * Makes a token request, and makes it once more at once when the server wants its nonce in the proof: a whole new
 * request, since a client assertion and a proof are both good for one. A second such answer is an error like any other.
 * `gaveNonce` says whether the refused answer held a nonce.
 * @see RFC 9449 section 8
 */
export const repeatWithNonce = async <Answer>(
  request: () => Promise<Answer>,
  gaveNonce: () => boolean,
): Promise<Answer> => {
  try {
    return await request();
  } catch (error) {
    for (let cause = error; cause instanceof Error; cause = cause.cause) {
      if (cause instanceof TokenRequestError && cause.verdict.outcome === 'use_dpop_nonce' && gaveNonce()) {
        return request();
      }
    }
    throw error;
  }
};
