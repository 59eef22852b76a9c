import type { Clock, SleepOptions } from '../clock.js';
import { eventLoopTurn } from './event-loop-turn.js';

interface Sleeper {
  readonly untilMillis: number;
  readonly wake: () => void;
}

/**
 * A clock that stands still until it is moved. What a caller waits for, such as the pause before a retry, takes no real
 * time: the clock moves on by it. What waits in the background sleeps until the clock has been moved that far.
 */
export class TestClock implements Clock {
  #nowMillis: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(startMillis: number) {
    this.#nowMillis = startMillis;
  }

  readonly now = (): number => this.#nowMillis;

  readonly sleep = async (millis: number, signal?: AbortSignal, options?: SleepOptions): Promise<void> => {
    signal?.throwIfAborted();
    const untilMillis = this.#nowMillis + millis;
    if (options?.background === true) return this.#sleepUntil(untilMillis, signal);
    // Others get a turn; who waits beside this one waits in the same stretch of time, not after it.
    await eventLoopTurn();
    signal?.throwIfAborted();
    this.#nowMillis = Math.max(this.#nowMillis, untilMillis);
  };

  /** Moves the time on, and wakes nobody yet. */
  move(millis: number): void {
    this.#nowMillis += millis;
  }

  /** Wakes those whose time has come. */
  wake(): void {
    for (const sleeper of [...this.#sleepers]) if (sleeper.untilMillis <= this.#nowMillis) sleeper.wake();
  }

  #sleepUntil(untilMillis: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => () => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', stop);
        settle();
      };
      const stop = end(() => reject(signal?.reason));
      const sleeper: Sleeper = { untilMillis, wake: end(resolve) };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', stop, { once: true });
    });
  }
}
