import type { CredentialRef } from '../credential-ref.js';
import type { AuthpipeError } from '../errors.js';

/** A read that the cache answered. */
export interface ReadNote {
  readonly ref: CredentialRef;
  readonly connectionId: string;
  readonly version: number;
}

/** A read that has to wait for the server. */
export interface MissNote {
  readonly ref: CredentialRef;
}

/**
 * Another version of a credential took the place of the one in the cache, or of one that was dropped to be replaced; a lower
 * one after a restored backup only.
 */
export interface RefreshNote {
  readonly connectionId: string;
  readonly version: number;
  readonly previousVersion: number;
}

/**
 * Why a credential left the cache: `max_entries`, others were read more recently; `expired`; `refused`, the server
 * answered that it must not be used; `event`, the event stream told so; `call`, a call of this client changed the
 * connection; `closed`, the client was.
 */
export type EvictReason = 'max_entries' | 'expired' | 'refused' | 'event' | 'call' | 'closed';

/** A credential left the cache. */
export interface EvictNote {
  readonly connectionId: string;
  readonly version: number;
  readonly reason: EvictReason;
}

/**
 * Something failed, also where a read was answered in spite of it. Each trouble is told once: that the server can't be
 * reached, or refuses the key, until it answers; what is about one credential, until there is an answer for it or the code
 * changes; what is about the stream, until it runs or the code changes.
 */
export interface ErrorNote {
  /** `credential`: a question for one; `stream`: the event stream, which is tried again by itself. */
  readonly operation: 'credential' | 'stream';
  readonly error: AuthpipeError;
  /** With `credential`: what was asked for. */
  readonly ref?: CredentialRef;
}

/**
 * Functions that are told what the cache does; for logs and metrics. None gets a secret. They run within the read, so
 * keep them short; what they throw is dropped.
 */
export interface AuthpipeHooks {
  /** A read was answered from memory. */
  readonly hit?: ((note: ReadNote) => void) | undefined;
  /** A read waits for the server, or with `getCredentialSync` got nothing. */
  readonly miss?: ((note: MissNote) => void) | undefined;
  /** A read was answered from memory while the server is asked for a newer one in the background. */
  readonly stale?: ((note: ReadNote) => void) | undefined;
  /** A newer credential took an older one's place. */
  readonly refresh?: ((note: RefreshNote) => void) | undefined;
  /** A credential was dropped. */
  readonly evict?: ((note: EvictNote) => void) | undefined;
  /** A request for a credential failed, or the event stream did: once, until it goes again. */
  readonly error?: ((note: ErrorNote) => void) | undefined;
}

/** Every hook's name. */
export const HOOK_NAMES = [
  'hit',
  'miss',
  'stale',
  'refresh',
  'evict',
  'error',
] as const satisfies readonly (keyof AuthpipeHooks)[];
