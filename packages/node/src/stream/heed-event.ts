import type { AuthpipeEvent, Credential } from '@authpipe/types';
import type { CacheEntry } from '../cache-entry.js';
import type { CredentialCache } from '../credential-cache.js';
import { type Flights, flightKey } from '../flights.js';
import { pathOfRef } from '../owner-index.js';
import { effectOf, isKnownTo } from './event-effect.js';

/** What an event may change. */
export interface HeedTools {
  readonly cache: CredentialCache;
  readonly flights: Flights<Credential>;
  readonly askInBackground: (entry: CacheEntry) => void;
}

/** Acts on an event: on what is held of its connection, and on what is under way about it. */
export const heedEvent = (event: AuthpipeEvent, { cache, flights, askInBackground }: HeedTools): void => {
  const { connectionId } = event;
  if (connectionId === null) return;
  if (event.type === 'connection.created') heedCreated(event, connectionId, cache);
  const held = cache.get(connectionId);
  const effect = effectOf(event, held);
  if (effect === 'none') return;
  const isKnown = (credential: Credential) =>
    event.type !== 'connection.deleted' && isKnownTo(credential, event);
  if (effect === 'evict') {
    cache.drop(connectionId, 'event');
    flights.forget(connectionId, isKnown);
    return;
  }
  const keys = [flightKey([connectionId]), ...(held?.paths ?? []).map(flightKey)];
  flights.outdate(connectionId, isKnown, keys);
  if (held === undefined) return;
  held.outdated = true;
  // Fetching is using: what nobody reads any more must not look used for ever. Its next read fetches it.
  if (held.wasRead) askInBackground(held);
  else held.rest(0);
};

/** A new connection may make a provider ambiguous that meant another one: who asks for it has to ask the server. */
const heedCreated = (
  { provider, tenantId, userId, owner, label }: AuthpipeEvent,
  connectionId: string,
  cache: CredentialCache,
): void => {
  const owned = owner === 'tenant' ? { owner } : { userId: userId ?? undefined };
  const path = pathOfRef({
    provider: provider ?? undefined,
    tenantId: tenantId ?? undefined,
    label: label ?? undefined,
    ...owned,
  });
  if (path !== undefined) cache.unpoint(path, connectionId);
};
