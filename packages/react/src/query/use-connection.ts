import type { ListedConnection, ProviderId } from '@authpipe/types';
import type { UseQueryResult } from '@tanstack/react-query';
import { useCallback } from 'react';
import type { ConnectionsError } from '../connections-client.js';
import { type ConnectionsQueryOptions, useSelectedConnections } from './use-connections.js';

/** The label of a connection that was given none. */
const DEFAULT_LABEL = 'default';

/** Which connection is meant: what is left out is not looked at. */
export interface ConnectionRef {
  readonly connectionId?: string | undefined;
  readonly integration?: string | undefined;
  readonly provider?: ProviderId | undefined;
  readonly label?: string | undefined;
}

/**
 * One of the person's connections; `null` when they have none such. A string is a connection's id, or an integration's, or
 * a provider's. Of several the one labelled `default` is meant, else the newest. Shares its request with `useConnections`.
 * @throws Error outside an `AuthpipeProvider` and a `QueryClientProvider`
 */
export function useConnection(
  ref: ProviderId | ConnectionRef,
  options: ConnectionsQueryOptions = {},
): UseQueryResult<ListedConnection | null, ConnectionsError> {
  const name = typeof ref === 'string' ? ref : null;
  const { connectionId, integration, provider, label }: ConnectionRef = typeof ref === 'string' ? {} : ref;
  const select = useCallback(
    (connections: readonly ListedConnection[]) =>
      name === null
        ? preferred(
            connections.filter(
              (each) =>
                (connectionId === undefined || each.id === connectionId) &&
                (integration === undefined || each.integration === integration) &&
                (provider === undefined || each.provider === provider) &&
                (label === undefined || each.label === label),
            ),
          )
        : findByName(connections, name),
    [name, connectionId, integration, provider, label],
  );
  return useSelectedConnections(options, select);
}

const preferred = (connections: readonly ListedConnection[]): ListedConnection | null =>
  connections.find(({ label }) => label === DEFAULT_LABEL) ?? connections[0] ?? null;

function findByName(connections: readonly ListedConnection[], name: string): ListedConnection | null {
  const byId = connections.find(({ id }) => id === name);
  return (
    byId ??
    preferred(connections.filter(({ integration }) => integration === name)) ??
    preferred(connections.filter(({ provider }) => provider === name))
  );
}
