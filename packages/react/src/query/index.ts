export type { DeletedConnection, ListedConnection } from '@authpipe/types';
export type { ConnectionsError, ConnectionsErrorCode } from '../connections-client.js';
export { connectionsQueryKey } from './connections-scope.js';
export { type ConnectionRef, useConnection } from './use-connection.js';
export { type ConnectionsQueryOptions, useConnections } from './use-connections.js';
export { useDisconnect } from './use-disconnect.js';
