/** Where the client reads the time and waits; replaced in tests. */
export interface Clock {
  /** Milliseconds since 1970, as `Date.now()`. */
  now(): number;
  /** Waits; rejects with the signal's reason when that is aborted first. */
  sleep(millis: number, signal?: AbortSignal, options?: SleepOptions): Promise<void>;
}

/** How a wait is meant. */
export interface SleepOptions {
  /** Nobody waits for its end: it must not keep the process alive. Default: false. */
  readonly background?: boolean;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: Date.now,
  sleep: (millis, signal, { background = false } = {}) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      const stop = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop);
        resolve();
      }, millis);
      if (background) timer.unref();
      signal?.addEventListener('abort', stop, { once: true });
    }),
};
