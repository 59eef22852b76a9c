import type { ListedConnection } from '@authpipe/types';
import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useAuthpipeContext } from '../authpipe-provider.js';
import { ConnectionsClient } from '../connections-client.js';

/** The beginning of every query key of this package: what to invalidate or remove when a person signs out. */
export const connectionsQueryKey = ['authpipe', 'connections'] as const;

/** What the hooks below one `AuthpipeProvider` share. */
export interface ConnectionsScope {
  readonly client: ConnectionsClient;
  readonly queryKey: readonly [...typeof connectionsQueryKey, number];
  /** Caches that are told of connects. */
  readonly told: WeakSet<QueryClient>;
}

/** By what lasts as long as the provider does. */
const scopes = new WeakMap<object, ConnectionsScope>();
let scopesMade = 0;

/**
 * One client and one query key for all hooks below an `AuthpipeProvider`. Two providers, or one that came anew, share
 * nothing: they may stand for two people.
 * @throws Error outside an `AuthpipeProvider`, or outside a `QueryClientProvider`
 */
export function useConnectionsScope(): ConnectionsScope {
  const { session, baseUrl, onConnected } = useAuthpipeContext();
  const queryClient = useQueryClient();
  let scope = scopes.get(onConnected);
  if (!scope) {
    scopesMade += 1;
    const queryKey = [...connectionsQueryKey, scopesMade] as const;
    scope = { client: new ConnectionsClient({ session, baseUrl }), queryKey, told: new WeakSet() };
    scopes.set(onConnected, scope);
  }
  const { client, queryKey, told } = scope;
  // Before the hooks behind this one ask anything.
  useEffect(() => client.update({ session, baseUrl }), [client, session, baseUrl]);
  // For good: a list that is shown again later has to know as well.
  useEffect(() => {
    if (told.has(queryClient)) return;
    told.add(queryClient);
    onConnected.add(() => void queryClient.invalidateQueries({ queryKey }));
  }, [queryClient, queryKey, told, onConnected]);
  return scope;
}

/** Takes a connection out of what is cached, at once, and asks for the truth: an older answer under way is given up. */
export function forgetConnection(
  queryClient: QueryClient,
  queryKey: ConnectionsScope['queryKey'],
  connectionId: string,
): void {
  queryClient.setQueryData<readonly ListedConnection[]>(queryKey, (known) =>
    known?.filter(({ id }) => id !== connectionId),
  );
  void queryClient.invalidateQueries({ queryKey });
}
