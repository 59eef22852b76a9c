import type { CacheEntry, Confirmation, Freshness } from './cache-entry.js';

/** What an event stream proves: that nothing it has not told changed between two moments. Milliseconds since 1970. */
export interface StreamWord {
  /** It has told of everything that changed after then; `Infinity` where it never began. */
  readonly sinceMillis: number;
  /** When it last said something, be it that there is nothing to say. */
  readonly heardAtMillis: number;
}

/** What the cache's trust depends on. */
export interface TrustSettings {
  readonly now: () => number;
  readonly random: () => number;
  readonly maxAgeSeconds: number;
  /** Left out: only answers count. */
  readonly word?: StreamWord | undefined;
}

/** After a look that brought nothing newer: often enough to notice, rare enough to bear for a server in trouble. */
export const PAUSE_MILLIS = 5_000;
/** What no event tells, such as a second integration that makes a provider ambiguous, is noticed within an hour. */
const LONGEST_UNASKED_MILLIS = 3_600_000;

/** For how long an answer is taken as it is: by the age of the server's word, which also comes over the event stream. */
export class Trust {
  readonly #settings: TrustSettings;
  readonly #maxAgeMillis: number;

  constructor(settings: TrustSettings) {
    this.#settings = settings;
    this.#maxAgeMillis = settings.maxAgeSeconds * 1_000;
  }

  /** How long an answer to a request sent at `askedAtMillis` is taken as it is. */
  inAnswer(askedAtMillis: number, refreshAfterMillis: number): Freshness {
    // The server may not have a newer one yet when refreshAfter comes: then it is asked every few seconds, not by each read.
    const answeredAtMillis = this.#settings.now();
    const refreshAtMillis = Math.max(refreshAfterMillis, answeredAtMillis + PAUSE_MILLIS);
    return { askedAtMillis, answeredAtMillis, ...this.#since(askedAtMillis, refreshAtMillis) };
  }

  /**
   * Lets the event stream confirm an entry, where it has run unbroken since before the entry was asked for.
   * @returns whether a read needs no further thought now
   */
  confirm(entry: CacheEntry, nowMillis: number): boolean {
    const { word } = this.#settings;
    if (word === undefined || entry.outdated || entry.askedAtMillis <= word.sinceMillis) return false;
    if (word.heardAtMillis + this.#maxAgeMillis <= entry.staleAtMillis) return false;
    const askAgainAtMillis = Math.min(entry.refreshAfterMillis, entry.askedAtMillis + LONGEST_UNASKED_MILLIS);
    entry.confirm(this.#since(word.heardAtMillis, askAgainAtMillis));
    return entry.isQuiet(nowMillis);
  }

  /**
   * Before an entry is too old to serve unasked it is asked for again in the background, at a moment left to chance, so
   * that a hot credential never makes its readers wait and many that were read together are not asked for together.
   */
  #since(confirmedAtMillis: number, askAgainAtMillis: number): Confirmation {
    const lookAgainAtMillis = confirmedAtMillis + this.#maxAgeMillis * (0.5 + 0.4 * this.#settings.random());
    return {
      quietUntilMillis: Math.min(lookAgainAtMillis, askAgainAtMillis),
      staleAtMillis: confirmedAtMillis + this.#maxAgeMillis,
    };
  }
}
