import { CircuitOpenError } from './circuit-breaker.js';
import type { Clock } from './clock.js';
import { AuthpipeError } from './errors.js';
import { LateBatchError } from './late-batch-error.js';

/** What retrying needs from outside. */
export interface RetryTools {
  readonly clock: Clock;
  /** 0 up to, not including, 1. */
  readonly random: () => number;
}

const FIRST_WAIT_MILLIS = 200;
/** A caller waits for an answer: a server that asks for more patience than this gets its error passed on instead. */
const LONGEST_WAIT_MILLIS = 5_000;

/**
 * Runs `attempt` up to `attempts` times, as long as its error is retryable. Waits 200 ms, 400 ms, … with half of it
 * left to chance, so that clients that failed together do not come back together; never shorter than `Retry-After`. A
 * call that the circuit breaker refused is not tried again, nor is a batch that was not answered in time.
 * @throws the last error, or the signal's reason
 */
export const withRetries = async <T>(
  attempt: () => Promise<T>,
  attempts: number,
  tools: RetryTools,
  signal?: AbortSignal,
): Promise<T> => {
  for (let made = 1; ; made += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isWorthRetrying(error) || made >= attempts) throw error;
      const waitMillis = waitBeforeRetry(made, error.retryAfterSeconds, tools.random());
      if (waitMillis > LONGEST_WAIT_MILLIS) throw error;
      await tools.clock.sleep(waitMillis, signal);
    }
  }
};

const isWorthRetrying = (error: unknown): error is AuthpipeError =>
  error instanceof AuthpipeError &&
  error.retryable &&
  !(error instanceof CircuitOpenError) &&
  !(error instanceof LateBatchError);

const waitBeforeRetry = (made: number, retryAfterSeconds: number | undefined, random: number): number => {
  const backoffMillis = FIRST_WAIT_MILLIS * 2 ** (made - 1) * (0.5 + random / 2);
  return Math.max(backoffMillis, (retryAfterSeconds ?? 0) * 1_000);
};
