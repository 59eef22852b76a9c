import type { Identity } from './deployment-store.js';

/** Rises of the high water that prove an owner at work. One alone may be a newer copy that was put in the place of the old. */
const RISES = 2;
/** Owners raise it every 2 s; what comes further apart is no pulse. */
const LONGEST_PAUSE_MILLIS = 10_000;

/**
 * Tells from looks at the identity whether a server that owns the database is at work on it: servers that are frozen don't
 * raise the high water, and in a copy nobody does. Each look says whether it is proven by now.
 */
export const createPulse = () => {
  let last: { readonly identity: Identity; readonly at: number } | null = null;
  let rises = 0;
  return (identity: Identity, now: Date): boolean => {
    const at = now.getTime();
    if (
      last?.identity.deploymentId !== identity.deploymentId ||
      identity.highWater < last.identity.highWater
    ) {
      rises = 0;
      last = { identity, at };
      return false;
    }
    const isPause = Math.abs(at - last.at) > LONGEST_PAUSE_MILLIS;
    if (identity.highWater === last.identity.highWater) {
      if (isPause) rises = 0;
      return false;
    }
    rises = isPause ? 1 : rises + 1;
    last = { identity, at };
    return rises >= RISES;
  };
};
