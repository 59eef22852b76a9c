import type { DeletedConnection } from '@authpipe/types';
import { type UseMutationResult, useMutation, useQueryClient } from '@tanstack/react-query';
import type { ConnectionsError } from '../connections-client.js';
import { forgetConnection, useConnectionsScope } from './connections-scope.js';

/**
 * Ends a connection: `mutate(connectionId)` revokes it at the provider, then erases it. It leaves the lists of this page at
 * once. Needs sessions with the permission `disconnect`. Ask people first: it can't be undone.
 * @throws Error outside an `AuthpipeProvider` and a `QueryClientProvider`
 */
export function useDisconnect(): UseMutationResult<DeletedConnection, ConnectionsError, string> {
  const { client, queryKey } = useConnectionsScope();
  const queryClient = useQueryClient();
  return useMutation<DeletedConnection, ConnectionsError, string>({
    mutationFn: (connectionId) => client.disconnect(connectionId),
    onSuccess: ({ id }) => forgetConnection(queryClient, queryKey, id),
    // Somebody else ended it: that is what was wanted, and the list is out of date.
    onError: ({ code }, connectionId) =>
      code === 'connection_not_found' ? forgetConnection(queryClient, queryKey, connectionId) : undefined,
  });
}
