import { addSeconds } from '../clock.js';
import type { Randomness } from '../randomness.js';
import type { Pace } from './token-endpoint-pace.js';

/** Nobody is sent away for longer: places further off are drawn at random from this long. */
const LONGEST_SECONDS = 300;

/** Gives each who found no slot a time of their own, so that one comes per slot and not all for the next. */
export interface TokenEndpointQueue {
  /** A time to come back at: the slot after the last one given away here, the next at the earliest. */
  placeAt(url: string, options: { readonly slot: Date; readonly pace: Pace; readonly now: Date }): Date;
}

/**
 * The queue of this process; each replica has its own. Where n of them offer the same slot, one caller gets it and the
 * others queue anew: n tries a slot, however long the queue is.
 */
export const createTokenEndpointQueue = (randomness: Randomness): TokenEndpointQueue => {
  /** The last slot given away, by endpoint. */
  const tails = new Map<string, number>();

  return {
    placeAt(url, { slot, pace: { intervalMillis, toleranceMillis }, now }) {
      // A little late rather than early: a slot may be taken within the tolerance, and never before.
      const jitterMillis = (toleranceMillis * randomness.fraction()) / 2;
      const tail = tails.get(url) ?? 0;
      const place = Math.max(slot.getTime(), tail + intervalMillis);
      if (place > addSeconds(now, LONGEST_SECONDS).getTime()) {
        return new Date(slot.getTime() + LONGEST_SECONDS * 1000 * randomness.fraction() + jitterMillis);
      }
      tails.set(url, place);
      return new Date(place + jitterMillis);
    },
  };
};
