/** Seconds in a day, for the lifetimes Okta states in days. */
export const SECONDS_PER_DAY = 86_400;

/**
 * The org's own idea of the time. It starts out as the clock it was given and can be moved forward, so that a test
 * sees the ninetieth day of a refresh token without waiting for it.
 */
export interface OrgClock {
  /** The org's time in milliseconds since the epoch: the wall clock plus every move so far. */
  nowMillis(): number;
  /** The same in whole seconds, as tokens carry it. */
  nowSeconds(): number;
  /** The time as everyone else in the process has it, in milliseconds. Moves do not change it. */
  wallMillis(): number;
  /** Whole seconds by which the org's time is ahead of `Date.now()`, which is what oidc-provider reads. */
  secondsAheadOfSystem(): number;
  /** Moves the org's time forward. Throws `RangeError` for anything but a whole number of seconds ≥ 0. */
  moveForward(seconds: number): void;
  /** Takes back every move. */
  reset(): void;
}

/** @param wallMillis the clock to start from; `Date.now` unless a test brings its own. */
export function createOrgClock(wallMillis: () => number = Date.now): OrgClock {
  let movedSeconds = 0;
  const nowMillis = () => wallMillis() + movedSeconds * 1000;
  return {
    nowMillis,
    nowSeconds: () => Math.floor(nowMillis() / 1000),
    wallMillis,
    secondsAheadOfSystem() {
      const systemMillis = Date.now();
      // One reading where both are the same clock: a second that ends between two would show as a difference.
      const wall = wallMillis === Date.now ? systemMillis : wallMillis();
      return movedSeconds + Math.floor(wall / 1000) - Math.floor(systemMillis / 1000);
    },
    moveForward(seconds) {
      if (!Number.isSafeInteger(seconds) || seconds < 0) {
        throw new RangeError('The clock moves forward by a whole number of seconds: give 0 or more.');
      }
      movedSeconds += seconds;
    },
    reset() {
      movedSeconds = 0;
    },
  };
}
