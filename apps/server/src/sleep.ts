import { setTimeout as delay } from 'node:timers/promises';

/** Waits: injected like the clock, so that tests need not. */
export type Sleep = (millis: number) => Promise<void>;

/** Real time; a wait alone does not keep the process alive. */
export const systemSleep: Sleep = async (millis) => {
  await delay(millis, undefined, { ref: false });
};
