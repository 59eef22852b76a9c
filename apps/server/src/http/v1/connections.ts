import {
  appId,
  type Connection,
  type ConnectionPage,
  connection,
  connectionOwner,
  connectionPage,
  connectionReport,
  connectionStatus,
  type DeletedConnection,
  deletedConnection,
  importConnectionRequest,
  metadata,
  type ParsedImportConnectionRequest,
  type RefreshConnectionRequest,
  refreshConnectionRequest,
} from '@authpipe/types';
import { z } from 'zod';
import type { ConnectionFilter } from '../../credentials/connection-store.js';
import { defineRoute, type Route } from '../route.js';
import { requireTenant, visibleTo } from '../tenant-limit.js';

/** The use cases behind the routes. All answer without a secret. */
export interface Connections {
  /** @throws Problem `connection_not_found` */
  readonly getConnection: (id: string, environment: string) => Promise<Connection>;
  readonly listConnections: (
    filter: ConnectionFilter,
    page: { environment: string; cursor: string | null; limit: number },
  ) => Promise<ConnectionPage>;
  readonly updateMetadata: (
    id: string,
    environment: string,
    metadata: Record<string, string>,
  ) => Promise<Connection>;
  readonly importConnection: (
    request: ParsedImportConnectionRequest,
    environment: string,
  ) => Promise<Connection>;
  /** With `minValiditySeconds` not where the token lasts so long, and refused where a new one would not. */
  readonly refreshConnection: (
    id: string,
    environment: string,
    wanted: RefreshConnectionRequest,
  ) => Promise<Connection>;
  readonly checkConnection: (id: string, environment: string) => Promise<Connection>;
  /** A caller's own bad experience with a version: it triggers a check and decides nothing. */
  readonly reportConnection: (
    id: string,
    environment: string,
    version: number | undefined,
  ) => Promise<Connection>;
  readonly deleteConnection: (id: string, environment: string) => Promise<DeletedConnection>;
}

const params = z.object({ id: z.string() });

const METADATA_PREFIX = 'metadata.';

/** `metadata.k=v` pairs are filters too, beside the named ones. */
const listQuery = z
  .looseObject({
    tenantId: appId.optional(),
    userId: appId.optional(),
    owner: connectionOwner.optional(),
    integration: appId.optional(),
    provider: appId.optional(),
    status: connectionStatus.optional(),
    cursor: z.string().min(1).max(512).optional(),
    limit: z.coerce.number().int().min(1).max(100).default(50),
  })
  .transform(
    ({ tenantId, userId, owner, integration, provider, status, cursor, limit, ...rest }, context) => {
      const pairs: [string, string][] = [];
      for (const [name, value] of Object.entries(rest)) {
        if (name.startsWith(METADATA_PREFIX) && typeof value === 'string')
          pairs.push([name.slice(METADATA_PREFIX.length), value]);
        else context.addIssue({ code: 'custom', path: [name], message: 'is not a filter' });
      }
      return {
        // Not by assignment: a pair named __proto__ would vanish, and the filter with it.
        filter: {
          tenantId,
          userId,
          owner,
          integration,
          provider,
          status,
          metadata: Object.fromEntries(pairs),
        },
        cursor,
        limit,
      };
    },
  );

const patchRequest = z.strictObject({ metadata });

/** Connections as things: found, changed, refreshed, checked and ended. */
export const connectionRoutes = (connections: Connections): Route[] => [
  defineRoute({
    method: 'get',
    path: '/connections',
    scope: 'connections:read',
    summary: 'Connections, newest first',
    query: listQuery,
    answer: connectionPage,
    handle: async ({ key, query: { filter, cursor, limit } }) => {
      if (filter.tenantId !== undefined) requireTenant(key, filter.tenantId);
      const tenantId = filter.tenantId ?? key.tenantId ?? undefined;
      const page = { environment: key.environment, cursor: cursor ?? null, limit };
      return { body: await connections.listConnections({ ...filter, tenantId }, page) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/connections',
    scope: 'connections:write',
    summary: 'Import a credential; the same owner and label again replaces it',
    body: importConnectionRequest,
    answer: connection,
    handle: async ({ key, body }) => {
      requireTenant(key, body.tenantId);
      return { status: 201, body: await connections.importConnection(body, key.environment) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/connections/:id',
    scope: 'connections:read',
    summary: 'One connection, without its secrets',
    params,
    answer: connection,
    handle: async ({ key, params: { id } }) => ({
      body: visibleTo(key, await connections.getConnection(id, key.environment)),
    }),
  }),
  defineRoute({
    method: 'patch',
    path: '/connections/:id',
    scope: 'connections:write',
    summary: 'Replace the app’s metadata of a connection',
    params,
    body: patchRequest,
    answer: connection,
    handle: async ({ key, params: { id }, body }) => {
      visibleTo(key, await connections.getConnection(id, key.environment));
      return { body: await connections.updateMetadata(id, key.environment, body.metadata) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/connections/:id/refresh',
    scope: 'connections:write',
    summary: 'Refresh now, or only where the token is not valid for long enough',
    params,
    body: refreshConnectionRequest,
    answer: connection,
    handle: async ({ key, params: { id }, body }) => {
      visibleTo(key, await connections.getConnection(id, key.environment));
      return { body: await connections.refreshConnection(id, key.environment, body) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/connections/:id/check',
    scope: 'connections:write',
    summary: 'Check with the provider now',
    params,
    answer: connection,
    handle: async ({ key, params: { id } }) => {
      visibleTo(key, await connections.getConnection(id, key.environment));
      return { body: await connections.checkConnection(id, key.environment) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/connections/:id/report',
    scope: 'credentials:read',
    summary: 'Report that the provider refused the credential',
    params,
    body: connectionReport,
    answer: connection,
    handle: async ({ key, params: { id }, body }) => {
      visibleTo(key, await connections.getConnection(id, key.environment));
      return { body: await connections.reportConnection(id, key.environment, body.version) };
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/connections/:id',
    scope: 'connections:write',
    summary: 'Revoke at the provider, then erase',
    params,
    answer: deletedConnection,
    handle: async ({ key, params: { id } }) => {
      visibleTo(key, await connections.getConnection(id, key.environment));
      return { body: await connections.deleteConnection(id, key.environment) };
    },
  }),
];
