import type { PeerAnswer } from './peers-store.js';

/** So many others that fail, and none that does not, are no coincidence; as many are asked before a verdict stands. */
export const WITNESSES = 5;
/** Half of the latest answers: an outage, though others get through. */
const LATEST = 20;
const FAILING_IN_PART = LATEST / 2;

/** What the answers of others say: `failing` is the place's fault, `working` is the connection's own, `unknown`: too few. */
export type PlaceState = 'failing' | 'working' | 'unknown';

/**
 * Judges a place by what others were answered there, the latest first. Independent ends are rare: even with 180 of 2,000
 * gone, five others in a row fail by chance once in 170,000 times, and half of twenty less often than that.
 */
export const judgePeers = (answers: readonly Pick<PeerAnswer, 'isGood' | 'isFresh'>[]): PlaceState => {
  const failingOfLatest = answers.slice(0, LATEST).filter(({ isGood }) => !isGood).length;
  if (failingOfLatest >= FAILING_IN_PART) return 'failing';
  const fresh = answers.filter(({ isFresh }) => isFresh);
  if (fresh.some(({ isGood }) => isGood)) return 'working';
  return fresh.length >= WITNESSES ? 'failing' : 'unknown';
};
