import type { ListedConnection } from '@authpipe/types';
import { type UseQueryOptions, type UseQueryResult, useQuery } from '@tanstack/react-query';
import type { ConnectionsError } from '../connections-client.js';
import { useConnectionsScope } from './connections-scope.js';

/** What of a query is yours to set. */
export type ConnectionsQueryOptions = Pick<
  UseQueryOptions<readonly ListedConnection[], ConnectionsError>,
  'enabled' | 'staleTime' | 'gcTime' | 'refetchInterval' | 'refetchOnMount' | 'refetchOnWindowFocus'
>;

/** A network comes back; a refusal stays one. */
const RETRIES = 2;

/**
 * All connections of the signed-in person (or their tenant, as your session says), newest first. Asks again after a
 * connect and a disconnect on this page. Needs sessions with the permission `list`.
 * @throws Error outside an `AuthpipeProvider` and a `QueryClientProvider`
 */
export function useConnections(
  options: ConnectionsQueryOptions = {},
): UseQueryResult<readonly ListedConnection[], ConnectionsError> {
  return useSelectedConnections(options, undefined);
}

/** The same query, and what of its answer is wanted: hooks that select share one request. */
export function useSelectedConnections<Selected>(
  options: ConnectionsQueryOptions,
  select: ((connections: readonly ListedConnection[]) => Selected) | undefined,
): UseQueryResult<Selected, ConnectionsError> {
  const { client, queryKey } = useConnectionsScope();
  return useQuery<readonly ListedConnection[], ConnectionsError, Selected>({
    ...options,
    queryKey,
    queryFn: ({ signal }) => client.list(signal),
    retry: (failures, { code }) => code === 'server_unreachable' && failures < RETRIES,
    ...(select && { select }),
  });
}
