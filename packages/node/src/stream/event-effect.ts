import type { AuthpipeEvent, Credential } from '@authpipe/types';
import type { CacheEntry } from '../cache-entry.js';
import { isTokenDeadFor } from '../credential-verdict.js';

/** What an event means for the credential that is held of its connection. */
export type EventEffect =
  /** Nothing: it is known already, or not about one connection. */
  | 'none'
  /** There is something newer: the one held is served while it is fetched. */
  | 'fetch'
  /** The one held must not be served again. */
  | 'evict';

/** Reads an event's meaning. Events may come late and twice: what is older than the one held changes nothing. */
export const effectOf = (event: AuthpipeEvent, held: CacheEntry | undefined): EventEffect => {
  if (event.connectionId === null) return 'none';
  // A deleted connection never comes back: its id is not used again.
  if (event.type === 'connection.deleted') return 'evict';
  if (held !== undefined && isKnownTo(held.credential, event, held.leastVersion)) return 'none';
  if (event.type === 'connection.needs_reconnect' && isTokenDeadFor(event.reason)) return 'evict';
  return event.invalidatesPrevious === true && held !== undefined ? 'evict' : 'fetch';
};

/** Whether a credential is at least as new as an event about it. @param leastVersion events of lower ones are older */
export const isKnownTo = (
  credential: Credential,
  { version, status, reason }: AuthpipeEvent,
  leastVersion = credential.version,
): boolean => {
  if (version !== null && version !== credential.version) return version < leastVersion;
  return status === null || (status === credential.status && reason === credential.reason);
};
