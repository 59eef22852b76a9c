import type { ConnectionRecord } from './credential-record.js';

/** Where connections are read from: `c` with its credential `k`. */
export const CONNECTION_SOURCE = 'connections c JOIN credentials k ON k.connection_id = c.id';

/**
 * The settings of a connection. Those of its integration win, as they do when its client is used; they are looked up one
 * by one, since a planner may turn a join into a scan of all integrations.
 */
export const CONNECTION_CONFIG = `c.config || coalesce(
  (SELECT i.config FROM integrations i WHERE i.id = c.integration_row_id), '{}')`;

/** Columns that `toConnectionRecord` reads. */
export const CONNECTION_COLUMNS = `c.id, c.environment, c.integration_id, c.integration_row_id, c.provider, c.auth_method,
  c.kind, c.tenant_id, c.owner, c.user_id, c.label, c.status, c.reason, c.since, c.reconnect_by, c.account,
  c.requested_scopes, c.scopes, c.lost_scopes, c.failed_api, c.metadata, ${CONNECTION_CONFIG} AS config, c.verified_at,
  c.verified_by, c.created_at, c.updated_at, k.version`;

/** A row of `CONNECTION_COLUMNS`. */
export interface ConnectionRow {
  readonly id: string;
  readonly environment: string;
  readonly integration_id: string;
  readonly integration_row_id: string | null;
  readonly provider: string;
  readonly auth_method: string;
  readonly kind: ConnectionRecord['kind'];
  readonly tenant_id: string;
  readonly owner: ConnectionRecord['owner'];
  readonly user_id: string;
  readonly label: string;
  readonly status: ConnectionRecord['status'];
  readonly reason: ConnectionRecord['reason'];
  readonly since: Date;
  readonly reconnect_by: Date | null;
  readonly account: ConnectionRecord['account'];
  readonly requested_scopes: string[];
  readonly scopes: string[];
  readonly lost_scopes: string[] | null;
  readonly failed_api: string | null;
  readonly config: Record<string, string>;
  readonly metadata: Record<string, string>;
  readonly verified_at: Date | null;
  readonly verified_by: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly version: number;
}

/** A row in the server's own words. */
export const toConnectionRecord = (row: ConnectionRow): ConnectionRecord => ({
  id: row.id,
  environment: row.environment,
  integrationId: row.integration_id,
  integrationRowId: row.integration_row_id,
  provider: row.provider,
  authMethod: row.auth_method,
  kind: row.kind,
  tenantId: row.tenant_id,
  owner: row.owner,
  userId: row.user_id === '' ? null : row.user_id,
  label: row.label,
  status: row.status,
  reason: row.reason,
  since: row.since,
  reconnectBy: row.reconnect_by,
  account: row.account,
  requestedScopes: row.requested_scopes,
  scopes: row.scopes,
  lostScopes: row.lost_scopes ?? [],
  failedApi: row.failed_api,
  config: row.config,
  metadata: row.metadata,
  version: row.version,
  verifiedAt: row.verified_at,
  verifiedBy: row.verified_by,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});
