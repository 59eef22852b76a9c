import { LRUCache } from 'lru-cache';
import { CacheEntry, type Freshness } from './cache-entry.js';
import { isMisspelt, type LooseRef } from './credential-ref.js';
import type { EvictReason } from './observe/hooks.js';
import { OwnerIndex, type RefPath } from './owner-index.js';
import type { CredentialAnswer } from './read-credential.js';

/** More than are replaced between two reads of a busy client; what falls out is only not told of. */
const MOST_REPLACED = 1_000;

type OnEvict = (entry: CacheEntry, reason: EvictReason) => void;

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

  readonly #onEvict: OnEvict;
  /** Versions that were dropped to be replaced, the oldest first: who asks next learns what its answer takes the place of. */
  readonly #replaced = new Map<string, number>();

  /** @param onEvict is told of each entry that goes, and why */
  constructor(maxEntries: number, onEvict: OnEvict = () => undefined) {
    this.#touchEvery = Math.floor(maxEntries / 16);
    this.#onEvict = onEvict;
    this.#entries = new LRUCache({
      max: maxEntries,
      dispose: (entry, _id, cause) => {
        this.#unlink(entry);
        if (cause === 'evict') onEvict(entry, 'max_entries');
      },
    });
  }

  /** How many connections are held. */
  get size(): number {
    return this.#entries.size;
  }

  /** The entry of a ref, which counts as read; `undefined` also for a ref that is not valid, or has a key that nothing reads. */
  find(ref: LooseRef): CacheEntry | undefined {
    if (ref.connectionId !== undefined)
      return isIdAlone(ref) ? this.#entries.get(ref.connectionId) : undefined;
    const entry = this.#owners.find(ref);
    if (entry === undefined || isMisspelt(ref)) return undefined;
    if (this.#arrivals - entry.touchedAt >= this.#touchEvery) this.#touch(entry);
    return entry;
  }

  /** The entry of a connection. */
  get(connectionId: string): CacheEntry | undefined {
    return this.#entries.peek(connectionId);
  }

  /** The version that is held of a connection, or was until it was dropped to be replaced. */
  versionOf(connectionId: string): number | undefined {
    return this.get(connectionId)?.credential.version ?? this.#replaced.get(connectionId);
  }

  /** Whether the entry is still held: it may have been dropped while its reader waited. */
  holds(entry: CacheEntry): boolean {
    return this.#entries.peek(entry.connectionId) === entry;
  }

  /**
   * Keeps an answer, and points `path` at it. One that is older than the one held changes nothing but the pointer.
   * @returns the entry, which may hold a newer credential than the answer
   */
  keep(path: RefPath | undefined, answer: CredentialAnswer, freshness: Freshness): CacheEntry {
    const { connectionId } = answer.credential;
    // Looked at, not read: an answer that nobody waited for says nothing about who reads it.
    let entry = this.#entries.peek(connectionId);
    this.#replaced.delete(connectionId);
    if (entry === undefined) {
      this.#arrivals += 1;
      entry = new CacheEntry(answer, freshness, this.#arrivals);
      this.#entries.set(connectionId, entry);
    } else {
      entry.update(answer, freshness);
    }
    if (path !== undefined) this.#point(path, entry);
    return entry;
  }

  /** Lets a ref find an entry that is held. */
  point(path: RefPath, connectionId: string): void {
    const entry = this.#entries.peek(connectionId);
    if (entry !== undefined) this.#point(path, entry);
  }

  /** Lets a ref find nothing any more, where it finds another connection than this one. */
  unpoint(path: RefPath, connectionId: string): void {
    const entry = this.#owners.get(path);
    if (entry === undefined || entry.connectionId === connectionId) return;
    entry.paths = entry.paths.filter((other) => !isSamePath(other, path));
    this.#owners.delete(path);
  }

  /** Lets events of any version count as news, until the next answer comes in. */
  expectLowerVersions(): void {
    for (const entry of this.#entries.values()) entry.leastVersion = 0;
  }

  /** Forgets a connection's credential. */
  drop(connectionId: string, reason: EvictReason): void {
    const entry = this.#entries.peek(connectionId);
    if (entry === undefined) return;
    this.#entries.delete(connectionId);
    if (reason === 'call' || reason === 'event') this.#noteReplaced(entry);
    this.#onEvict(entry, reason);
  }

  /** Forgets everything. */
  clear(reason: EvictReason): void {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const entry of entries) this.#onEvict(entry, reason);
  }

  #noteReplaced({ connectionId, credential: { version } }: CacheEntry): void {
    this.#replaced.set(connectionId, version);
    const [oldest] = this.#replaced.keys();
    if (this.#replaced.size > MOST_REPLACED && oldest !== undefined) this.#replaced.delete(oldest);
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
  ref.label === undefined &&
  !isMisspelt(ref);

const isSamePath = (one: RefPath, other: RefPath): boolean =>
  one.length === other.length && one.every((step, index) => step === other[index]);
