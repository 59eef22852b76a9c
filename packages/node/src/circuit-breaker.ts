import type { Clock } from './clock.js';
import { AuthpipeError } from './errors.js';
import { LateBatchError } from './late-batch-error.js';

/** So many answers in a row that never came are no accident. */
const FAILURES_TO_OPEN = 5;
const FIRST_PAUSE_MILLIS = 1_000;
/** However long it is down: half a minute after its end the client has noticed. */
const LONGEST_PAUSE_MILLIS = 30_000;
/** After one answer that never came, who has something to fall back on does not wait for the next. */
const TROUBLE_MILLIS = 5_000;

/** What a circuit breaker needs from outside. */
export interface BreakerTools {
  readonly clock: Clock;
  /** 0 up to, not including, 1. */
  readonly random: () => number;
}

/** A call that was not made because the circuit is open. Trying again at once is no use. */
export class CircuitOpenError extends AuthpipeError {}

/**
 * Keeps calls from piling up at a server that does not answer: after five answers in a row that never came, calls fail
 * at once until a pause is over; then one is let through, and its outcome closes the circuit or doubles the pause, up to
 * 30 s. Half of each pause is left to chance, so that clients do not come back together. An error that the server
 * answers is an answer. A call that got none while others were answered is no proof that the server is down: what it
 * asked for may take so long.
 */
export class CircuitBreaker {
  readonly #tools: BreakerTools;
  readonly #origin: string;
  #failures = 0;
  #answers = 0;
  #lastFailureMillis = Number.NEGATIVE_INFINITY;
  #openUntilMillis = Number.NEGATIVE_INFINITY;
  /** 0 while the circuit is closed. */
  #pauseMillis = 0;
  #isTrying = false;

  constructor(tools: BreakerTools, origin: string) {
    this.#tools = tools;
    this.#origin = origin;
  }

  /** Whether an answer is unlikely to come: nobody who has something to fall back on should wait for one. */
  get isTroubled(): boolean {
    const now = this.#tools.clock.now();
    return now < this.#openUntilMillis || now < this.#lastFailureMillis + TROUBLE_MILLIS;
  }

  /** Makes a call, or fails at once. @throws CircuitOpenError, or what the call throws */
  async run<T>(call: () => Promise<T>): Promise<T> {
    const isTrial = this.#pauseMillis > 0;
    if (isTrial) this.#admitTrial();
    const answersBefore = this.#answers;
    try {
      const answer = await call();
      this.#close();
      return answer;
    } catch (error) {
      if (!(error instanceof AuthpipeError)) throw error;
      if (error.code !== 'server_unreachable' || !error.retryable) this.#close();
      else if (isTrial || !(error instanceof LateBatchError))
        this.#fail(isTrial, this.#answers > answersBefore);
      throw error;
    } finally {
      if (isTrial) this.#isTrying = false;
    }
  }

  #admitTrial(): void {
    const leftMillis = this.#openUntilMillis - this.#tools.clock.now();
    if (leftMillis <= 0 && !this.#isTrying) {
      this.#isTrying = true;
      return;
    }
    throw new CircuitOpenError(
      'server_unreachable',
      `${this.#origin} has not answered for a while, so this call was not sent: try again later, and look whether Authpipe runs there.`,
      { retryAfterSeconds: Math.max(1, Math.ceil(leftMillis / 1_000)) },
    );
  }

  #fail(isTrial: boolean, othersWereAnswered: boolean): void {
    const now = this.#tools.clock.now();
    this.#lastFailureMillis = now;
    if (othersWereAnswered) return;
    this.#failures += 1;
    // Calls that were under way when the circuit opened say nothing new.
    if (isTrial) this.#pauseMillis = Math.min(this.#pauseMillis * 2, LONGEST_PAUSE_MILLIS);
    else if (this.#pauseMillis === 0 && this.#failures >= FAILURES_TO_OPEN)
      this.#pauseMillis = FIRST_PAUSE_MILLIS;
    else return;
    this.#openUntilMillis = now + this.#pauseMillis * (0.5 + this.#tools.random() / 2);
  }

  #close(): void {
    this.#answers += 1;
    this.#failures = 0;
    this.#pauseMillis = 0;
    this.#lastFailureMillis = Number.NEGATIVE_INFINITY;
    this.#openUntilMillis = Number.NEGATIVE_INFINITY;
  }
}
