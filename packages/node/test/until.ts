/** A bound on what never comes: without it a test that failed would keep its process busy for ever. */
const LONGEST_MILLIS = 60_000;

/** Waits, turn by turn, for what other sockets and promises do meanwhile. */
export const until = async (condition: () => boolean): Promise<void> => {
  const endMillis = performance.now() + LONGEST_MILLIS;
  while (!condition()) {
    if (performance.now() > endMillis) throw new Error(`It did not come to be so: ${condition}`);
    await new Promise(setImmediate);
  }
};

/** Time enough for a request that should not be made to arrive all the same, or for an answer to be read. */
export const aMoment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));
