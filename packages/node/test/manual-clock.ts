import type { Clock } from '../src/clock.js';

/** Midnight of the tests. */
export const START = Date.parse('2026-01-01T00:00:00.000Z');

/** A clock that stands still until told; sleeping takes no real time and is written down. */
export class ManualClock implements Clock {
  #now = START;
  readonly slept: number[] = [];

  readonly now = (): number => this.#now;

  readonly sleep = async (millis: number, signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted();
    this.slept.push(millis);
    this.#now += millis;
  };

  advanceSeconds(seconds: number): void {
    this.#now += seconds * 1_000;
  }
}
