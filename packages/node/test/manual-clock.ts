import type { Clock, SleepOptions } from '../src/clock.js';

/** Midnight of the tests. */
export const START = Date.parse('2026-01-01T00:00:00.000Z');

interface Sleeper {
  readonly untilMillis: number;
  readonly wake: () => void;
}

/**
 * A clock that stands still until told. Sleeping takes no real time: the clock moves on at once, and it is written down.
 * What sleeps in the background moves nothing; it sleeps until the test has moved the clock.
 */
export class ManualClock implements Clock {
  #now = START;
  readonly slept: number[] = [];
  /** How long what sleeps, or slept, in the background meant to. */
  readonly sleptInBackground: number[] = [];
  readonly #sleepers = new Set<Sleeper>();

  readonly now = (): number => this.#now;

  /** How many sleep in the background. */
  get sleepers(): number {
    return this.#sleepers.size;
  }

  readonly sleep = async (millis: number, signal?: AbortSignal, options?: SleepOptions): Promise<void> => {
    signal?.throwIfAborted();
    if (options?.background === true) return this.#sleepInBackground(millis, signal);
    this.slept.push(millis);
    this.#now += millis;
  };

  advanceSeconds(seconds: number): void {
    this.#now += seconds * 1_000;
    for (const sleeper of this.#sleepers) if (sleeper.untilMillis <= this.#now) sleeper.wake();
  }

  #sleepInBackground(millis: number, signal: AbortSignal | undefined): Promise<void> {
    this.sleptInBackground.push(millis);
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => () => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', stop);
        settle();
      };
      const stop = end(() => reject(signal?.reason));
      const sleeper = { untilMillis: this.#now + millis, wake: end(resolve) };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', stop, { once: true });
    });
  }
}
