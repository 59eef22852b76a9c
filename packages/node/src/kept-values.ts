import { LRUCache } from 'lru-cache';
import { verdictOf } from './credential-verdict.js';
import { Flights } from './flights.js';

/** How a read should go: with something to fall back on it is tried once, and nobody may wait for it. */
export interface HowToRead {
  readonly attempts?: number;
  readonly background?: boolean;
}

/** How values are kept. */
export interface KeptValuesSettings<T> {
  readonly now: () => number;
  readonly maxEntries: number;
  /** How old a value may be while the server can be reached. */
  readonly maxAgeMillis: number;
  /** What a value is about: `forget` takes it. */
  readonly subjectOf: (value: T) => string;
}

interface Kept<T> {
  readonly value: T;
  staleAtMillis: number;
  /** Until then nobody may have it read again before its time. */
  quietUntilMillis: number;
  /** The last try to read it again brought no word of the server. */
  unanswered: boolean;
}

/** Often enough to notice a change, rare enough to bear for the server, whoever provokes it. */
const PAUSE_MILLIS = 5_000;

/** Answers of the server that change rarely: each is read once, by one request for all who want it, and kept for a while. */
export class KeptValues<T extends object> {
  readonly #settings: KeptValuesSettings<T>;
  readonly #kept: LRUCache<string, Kept<T>>;
  readonly #flights = new Flights<T>();

  constructor(settings: KeptValuesSettings<T>) {
    this.#settings = settings;
    this.#kept = new LRUCache({ max: settings.maxEntries });
  }

  /** The value of a key: the kept one while it is fresh, and while the server gives no word on it. */
  async get(key: string, read: (how: HowToRead) => Promise<T>): Promise<T> {
    const kept = this.#kept.get(key);
    if (kept === undefined) return this.#read(key, () => read({}));
    if (this.#settings.now() < kept.staleAtMillis) return kept.value;
    const again = this.#read(key, () => read({ attempts: 1, background: true }));
    if (!kept.unanswered) return again;
    again.catch(() => undefined);
    return kept.value;
  }

  /** The value, read again before its time because the kept one did not do: at most once in five seconds a key. */
  async getAgain(key: string, read: (how: HowToRead) => Promise<T>): Promise<T> {
    const kept = this.#kept.get(key);
    const now = this.#settings.now();
    if (kept !== undefined) {
      if (now < kept.quietUntilMillis) return kept.value;
      kept.quietUntilMillis = now + PAUSE_MILLIS;
    }
    return this.#read(key, () => read({ attempts: 1 }), now + PAUSE_MILLIS);
  }

  /** Has what is about a subject read again before it is answered; while the server gives no word it still is. */
  outdate(subject: string): void {
    for (const kept of this.#kept.values()) {
      if (this.#settings.subjectOf(kept.value) !== subject) continue;
      kept.staleAtMillis = 0;
      kept.unanswered = false;
    }
    this.#flights.forget(subject);
  }

  /** Forgets what is about a subject, also where it is being read. */
  forget(subject: string): void {
    for (const [key, { value }] of this.#kept.entries()) {
      if (this.#settings.subjectOf(value) === subject) this.#kept.delete(key);
    }
    this.#flights.forget(subject);
  }

  /** Forgets everything. */
  forgetAll(): void {
    this.#kept.clear();
    this.#flights.forgetAll();
  }

  #read(key: string, read: () => Promise<T>, quietUntilMillis = 0): Promise<T> {
    return this.#flights.join(key, async (mayKeep) => {
      const { now, maxAgeMillis, subjectOf } = this.#settings;
      const askedAtMillis = now();
      try {
        const value = await read();
        if (mayKeep(subjectOf(value), value)) {
          const staleAtMillis = askedAtMillis + maxAgeMillis;
          this.#kept.set(key, { value, staleAtMillis, quietUntilMillis, unanswered: false });
        }
        return value;
      } catch (error) {
        const verdict = verdictOf(error);
        if (verdict === 'key_refused') this.forgetAll();
        else if (verdict === 'dead') this.#kept.delete(key);
        const kept = this.#kept.get(key);
        if (kept === undefined) throw error;
        kept.unanswered = true;
        kept.staleAtMillis = now() + PAUSE_MILLIS;
        return kept.value;
      }
    });
  }
}
