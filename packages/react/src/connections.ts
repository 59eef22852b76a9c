export type { DeletedConnection, ListedConnection } from '@authpipe/types';
export {
  ConnectionsClient,
  type ConnectionsClientOptions,
  type ConnectionsError,
  type ConnectionsErrorCode,
} from './connections-client.js';
