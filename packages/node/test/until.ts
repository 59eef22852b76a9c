/** Waits, turn by turn, for what other sockets and promises do meanwhile. */
export const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise(setImmediate);
};

/** Time enough for a request that should not be made to arrive all the same, or for an answer to be read. */
export const aMoment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));
