import { uptime } from 'node:os';
import { systemClock } from '../clock.js';
import type { MonotonicMillis } from './database-clock.js';

/** The machine's own clock, in milliseconds: it may be set at any time. */
export const systemWallMillis = (): number => systemClock.now().getTime();

/** Where the machine's clock went so much further than its counter, it slept, or the clock was set. */
const PARTED_MILLIS = 500;

/**
 * A counter that goes on while the machine sleeps. `performance.now` stands still then, and the machine's clock can be
 * set; the uptime does neither, but is slow to read: it is asked only where the two have parted.
 */
export const createSteadyMillis = ({
  counterMillis,
  wallMillis,
  uptimeMillis,
}: {
  readonly counterMillis: MonotonicMillis;
  readonly wallMillis: () => number;
  readonly uptimeMillis: () => number;
}): MonotonicMillis => {
  const uptimeAhead = uptimeMillis() - counterMillis();
  let wallAhead = wallMillis() - counterMillis();
  let sleptMillis = 0;
  return () => {
    const counter = counterMillis();
    const ahead = wallMillis() - counter;
    if (Math.abs(ahead - wallAhead) > PARTED_MILLIS) {
      wallAhead = ahead;
      sleptMillis = Math.max(sleptMillis, uptimeMillis() - counter - uptimeAhead);
    }
    return counter + sleptMillis;
  };
};

/** This machine's. */
export const systemSteadyMillis = createSteadyMillis({
  counterMillis: () => performance.now(),
  wallMillis: systemWallMillis,
  uptimeMillis: () => uptime() * 1000,
});
