import type { PeerAnswer } from './peers-store.js';

/** So many others that fail, and none that does not, are no coincidence; as many are asked before a verdict stands. */
export const WITNESSES = 5;
/** Among so many that fail and more, half of all is an outage though others get through. */
const FAILING_IN_PART = 10;
const PART = 1 / 2;

/** What the answers of others say: `failing` is the place's fault, `working` is the connection's own, `unknown`: too few. */
export type PlaceState = 'failing' | 'working' | 'unknown';

/**
 * Judges a place by what others were answered there since one connection failed. Independent ends are rare: even with 180
 * of 2,000 gone, five others in a row fail by chance once in 170,000 times, and half of twenty once in 100,000.
 */
export const judgePeers = (answers: readonly Pick<PeerAnswer, 'isGood'>[]): PlaceState => {
  const good = answers.filter(({ isGood }) => isGood).length;
  const bad = answers.length - good;
  if (bad >= FAILING_IN_PART && bad >= answers.length * PART) return 'failing';
  if (good > 0) return 'working';
  return bad >= WITNESSES ? 'failing' : 'unknown';
};
