import { nodeCrypto } from './node-modules.js';

const digest = (value: string): Buffer => nodeCrypto().createHash('sha256').update(value).digest();

/**
 * Whether two texts are the same, in a time that does not tell how far they agree. Their digests are compared, so that
 * texts of different lengths neither throw nor return early.
 */
export const constantTimeEqual = (left: string, right: string): boolean =>
  nodeCrypto().timingSafeEqual(digest(left), digest(right));
