import { type LooseRef, refQuery } from '../credential-ref.js';
import type { AuthpipeErrorCode } from '../errors.js';
import type { ErrorNote } from './hooks.js';

type Operation = ErrorNote['operation'];

/** More credentials in trouble at one time than anybody reads of; beyond it the oldest is news again. */
const MOST_TROUBLES = 10_000;

/** What is about the server or the key, whichever credential was asked for. */
const ABOUT_ALL = new Set<AuthpipeErrorCode>(['server_unreachable', 'unauthorized', 'rate_limited']);

/**
 * Which troubles have been told: during an outage every question fails, every few seconds, and says nothing new. A trouble is
 * its code and what it is about; it ends with an answer about the same.
 */
export class KnownTroubles {
  readonly #codes = new Map<string, AuthpipeErrorCode>();

  /** Whether this has not been told since it last went well. */
  isNews(operation: Operation, code: AuthpipeErrorCode, ref?: LooseRef): boolean {
    const isAboutAll = ref === undefined || ABOUT_ALL.has(code);
    const key = isAboutAll ? operation : keyOf(operation, ref);
    // A refusal about one credential is an answer: the server can be reached.
    if (!isAboutAll) this.#codes.delete(operation);
    if (this.#codes.get(key) === code) return false;
    this.#codes.delete(key);
    this.#codes.set(key, code);
    const [oldest] = this.#codes.keys();
    if (this.#codes.size > MOST_TROUBLES && oldest !== undefined) this.#codes.delete(oldest);
    return true;
  }

  /** It went well: also with what is about all. */
  end(operation: Operation, ref?: LooseRef): void {
    if (this.#codes.size === 0) return;
    this.#codes.delete(operation);
    if (ref !== undefined) this.#codes.delete(keyOf(operation, ref));
  }
}

const keyOf = (operation: Operation, ref: LooseRef): string =>
  JSON.stringify([
    operation,
    ...Object.entries(refQuery(ref))
      .filter(([, value]) => value !== undefined)
      .sort(),
  ]);
