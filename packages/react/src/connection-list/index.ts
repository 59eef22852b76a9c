export type { ListedConnection } from '@authpipe/types';
export { ConnectionList, type ConnectionListProps } from './connection-list.js';
export type { ConnectionListLabelOverrides, ConnectionListLabels } from './connection-list-labels.js';
