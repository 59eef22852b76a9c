import type { CacheEntry } from '../cache-entry.js';
import type { CredentialRef, LooseRef } from '../credential-ref.js';
import { AuthpipeError } from '../errors.js';
import type { AuthpipeHooks, ErrorNote, EvictReason } from './hooks.js';
import { KnownTroubles } from './known-troubles.js';

/** How often something happened since the client was made. */
export interface CacheCounts {
  hits: number;
  misses: number;
  stale: number;
  evictions: number;
}

/** Counts what the cache does and tells the hooks. Nothing that a hook does reaches the read. */
export class CacheObserver {
  readonly counts: CacheCounts = { hits: 0, misses: 0, stale: 0, evictions: 0 };
  readonly #hooks: AuthpipeHooks;
  readonly #troubles = new KnownTroubles();

  constructor(hooks: AuthpipeHooks = {}) {
    this.#hooks = hooks;
  }

  hit(ref: LooseRef, entry: CacheEntry): void {
    this.counts.hits += 1;
    if (this.#hooks.hit !== undefined) tell(this.#hooks.hit, readNote(ref, entry));
  }

  miss(ref: LooseRef): void {
    this.counts.misses += 1;
    if (this.#hooks.miss !== undefined) tell(this.#hooks.miss, { ref: ref as CredentialRef });
  }

  stale(ref: LooseRef, entry: CacheEntry): void {
    this.counts.stale += 1;
    if (this.#hooks.stale !== undefined) tell(this.#hooks.stale, readNote(ref, entry));
  }

  refresh(connectionId: string, version: number, previousVersion: number): void {
    if (this.#hooks.refresh !== undefined)
      tell(this.#hooks.refresh, { connectionId, version, previousVersion });
  }

  evict({ connectionId, credential: { version } }: CacheEntry, reason: EvictReason): void {
    this.counts.evictions += 1;
    if (this.#hooks.evict !== undefined) tell(this.#hooks.evict, { connectionId, version, reason });
  }

  /** The server has answered a question for a ref: what it is asked in vain from now on is news. */
  answered(ref: LooseRef): void {
    this.#troubles.end('credential', ref);
  }

  /** The event stream runs. */
  streaming(): void {
    this.#troubles.end('stream');
  }

  /** Only typed errors are told, and each trouble once: what a caller's own signal throws is the caller's. */
  error(operation: ErrorNote['operation'], error: unknown, ref?: LooseRef): void {
    if (this.#hooks.error === undefined || !(error instanceof AuthpipeError)) return;
    if (!this.#troubles.isNews(operation, error.code, ref)) return;
    tell(this.#hooks.error, {
      operation,
      error,
      ...(ref === undefined ? {} : { ref: ref as CredentialRef }),
    });
  }
}

const readNote = (ref: LooseRef, entry: CacheEntry) => ({
  ref: ref as CredentialRef,
  connectionId: entry.connectionId,
  version: entry.credential.version,
});

const tell = <Note>(hook: (note: Note) => unknown, note: Note): void => {
  try {
    const outcome = hook(note);
    // An async hook's failure would end the process as an unhandled rejection.
    if (outcome instanceof Promise) outcome.catch(() => undefined);
  } catch {
    // A hook is told, it does not decide.
  }
};
