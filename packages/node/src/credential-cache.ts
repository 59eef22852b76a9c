import type { Credential } from '@authpipe/types';
import { LRUCache } from 'lru-cache';
import type { LooseRef } from './credential-ref.js';
import { OwnerIndex, type RefPath } from './owner-index.js';
import type { CredentialAnswer } from './read-credential.js';

/** One connection's credential and how long each kind of trust in it lasts. Times are milliseconds since 1970. */
export interface CacheEntry {
  readonly connectionId: string;
  credential: Credential;
  /** When the request was sent that brought it. */
  askedAtMillis: number;
  /** The credential as a settled promise, made once: a warm read hands out this very one. */
  promise: Promise<Credential>;
  expiresAtMillis: number;
  /** Until then a read is answered at once and nothing else happens. Never later than the two others. */
  quietUntilMillis: number;
  /** From then on a read waits for the server's word, unless the server gave none the last time. */
  staleAtMillis: number;
  /** The last question got no answer: reads are served and the server is asked in the background. */
  unanswered: boolean;
  /** How many entries had come in when a read of this one was last recorded. */
  touchedAt: number;
  /** Where the owner index points here. */
  paths: RefPath[];
}

/** How the cache judges an answer's age. */
export interface Freshness {
  /** When the request was sent: what the answer says was true then or later. */
  readonly askedAtMillis: number;
  readonly quietUntilMillis: number;
  readonly staleAtMillis: number;
}

/**
 * Credentials by connection, bounded, the least recently read out first; found by id or by owner, one entry for both.
 * Knows nothing of the network.
 */
export class CredentialCache {
  readonly #owners = new OwnerIndex<CacheEntry>();
  readonly #entries: LRUCache<string, CacheEntry>;
  /** Entries that ever came in: who goes out matters only when one comes in, so this is the clock of recency. */
  #arrivals = 0;
  /** A read is recorded once in so many arrivals: nearly exact, and most reads write nothing. */
  readonly #touchEvery: number;

  constructor(maxEntries: number) {
    this.#touchEvery = Math.floor(maxEntries / 16);
    this.#entries = new LRUCache({ max: maxEntries, dispose: (entry) => this.#unlink(entry) });
  }

  /** How many connections are held. */
  get size(): number {
    return this.#entries.size;
  }

  /** The entry of a ref, which counts as read; `undefined` also for a ref that is not valid. */
  find(ref: LooseRef): CacheEntry | undefined {
    if (ref.connectionId !== undefined)
      return isIdAlone(ref) ? this.#entries.get(ref.connectionId) : undefined;
    const entry = this.#owners.find(ref);
    if (entry !== undefined && this.#arrivals - entry.touchedAt >= this.#touchEvery) this.#touch(entry);
    return entry;
  }

  /** The entry of a connection. */
  get(connectionId: string): CacheEntry | undefined {
    return this.#entries.peek(connectionId);
  }

  /** Whether the entry is still held: it may have been dropped while its reader waited. */
  holds(entry: CacheEntry): boolean {
    return this.#entries.peek(entry.connectionId) === entry;
  }

  /**
   * Keeps an answer, and points `path` at it. An older version than the one held changes nothing but the pointer.
   * @returns the entry, which may hold a newer credential than the answer
   */
  keep(path: RefPath | undefined, answer: CredentialAnswer, freshness: Freshness): CacheEntry {
    const { connectionId, version } = answer.credential;
    let entry = this.#entries.get(connectionId);
    if (entry === undefined) {
      this.#arrivals += 1;
      entry = { connectionId, paths: [], touchedAt: this.#arrivals, ...contentOf(answer, freshness) };
      this.#entries.set(connectionId, entry);
    } else if (isNewer(version, freshness.askedAtMillis, entry)) {
      Object.assign(entry, contentOf(answer, freshness));
    }
    if (path !== undefined) this.#point(path, entry);
    return entry;
  }

  /** Forgets a connection's credential. */
  drop(connectionId: string): void {
    this.#entries.delete(connectionId);
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear();
  }

  #touch(entry: CacheEntry): void {
    entry.touchedAt = this.#arrivals;
    this.#entries.get(entry.connectionId);
  }

  #point(path: RefPath, entry: CacheEntry): void {
    const before = this.#owners.get(path);
    if (before === entry) return;
    if (before !== undefined) before.paths = before.paths.filter((other) => !isSamePath(other, path));
    this.#owners.set(path, entry);
    entry.paths.push(path);
  }

  #unlink(entry: CacheEntry): void {
    for (const path of entry.paths) this.#owners.delete(path);
    entry.paths = [];
  }
}

const isIdAlone = (ref: LooseRef): boolean =>
  ref.provider === undefined &&
  ref.integration === undefined &&
  ref.tenantId === undefined &&
  ref.userId === undefined &&
  ref.owner === undefined &&
  ref.label === undefined;

/** Answers overtake each other on the way: the version decides, then which request was sent later. */
const isNewer = (version: number, askedAtMillis: number, held: CacheEntry): boolean =>
  version > held.credential.version ||
  (version === held.credential.version && askedAtMillis >= held.askedAtMillis);

const isSamePath = (one: RefPath, other: RefPath): boolean =>
  one.length === other.length && one.every((step, index) => step === other[index]);

const contentOf = ({ credential, expiresAtMillis }: CredentialAnswer, freshness: Freshness) => ({
  credential,
  askedAtMillis: freshness.askedAtMillis,
  promise: Promise.resolve(credential),
  expiresAtMillis,
  quietUntilMillis: Math.min(freshness.quietUntilMillis, freshness.staleAtMillis, expiresAtMillis),
  staleAtMillis: freshness.staleAtMillis,
  unanswered: false,
});
