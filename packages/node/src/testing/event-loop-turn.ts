import { setImmediate } from 'node:timers';

// Taken at once, and from Node itself: a test runner's fake timers must not hold it up.
const atEndOfTurn = setImmediate;

/** Resolves when everything that is ready to run has run. */
export const eventLoopTurn = (): Promise<void> => new Promise((resolve) => void atEndOfTurn(resolve));
