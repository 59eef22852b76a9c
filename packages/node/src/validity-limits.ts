import { type AuthpipeError, invalidField } from './errors.js';

interface Limit {
  readonly version: number;
  readonly refusedFromSeconds: number;
  readonly detail: string;
}

/** As many as are asked for too much at one time; one that falls out costs a request, and none to a provider. */
const MOST_LIMITS = 1_000;

/**
 * For how long credentials can be asked to be valid, of those of which more was asked: it holds for a version, and spares
 * everybody a question whose answer is known.
 */
export class ValidityLimits {
  readonly #limits = new Map<string, Limit>();

  /** Why a credential of this version can't be had valid for so long; `undefined` where that is not known. */
  refusal(connectionId: string, version: number, minValidity: number): AuthpipeError | undefined {
    const limit = this.#limits.get(connectionId);
    if (limit === undefined || limit.version !== version || minValidity < limit.refusedFromSeconds)
      return undefined;
    return invalidField('minValidity', limit.detail);
  }

  /** Notes that so much was asked in vain. @returns the error for who asked */
  note(connectionId: string, version: number, refusedFromSeconds: number, detail: string): AuthpipeError {
    this.#limits.delete(connectionId);
    this.#limits.set(connectionId, { version, refusedFromSeconds, detail });
    const [oldest] = this.#limits.keys();
    if (this.#limits.size > MOST_LIMITS && oldest !== undefined) this.#limits.delete(oldest);
    return invalidField('minValidity', detail);
  }
}
