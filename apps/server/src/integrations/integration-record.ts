import type { StatusReason } from '@authpipe/types';
import type { Database } from '../db/database.js';
import type { PublicJwk } from '../jwk.js';

/** A provider configured one way, without its client secret. */
export interface IntegrationRecord {
  /** Of the row: the id that the app knows is `integrationId`, and may exist once per tenant. */
  readonly rowId: string;
  readonly environment: string;
  readonly integrationId: string;
  /** `null` for an integration of the whole product. */
  readonly tenantId: string | null;
  readonly provider: string;
  readonly authMethod: string;
  readonly clientId: string;
  readonly hasClientSecret: boolean;
  /** Asked of every person; empty for the definition's default. */
  readonly scopes: string[];
  /** Settings that fix the provider's hosts (Okta: `domain`). */
  readonly config: Record<string, string>;
  /** `null` for the server's own callback. */
  readonly redirectUri: string | null;
  /** Whether its tokens are bound to a key of each connection's own (RFC 9449). */
  readonly dpop: boolean;
  /** Days without a read after which tokens are kept alive no longer; `null`: never. */
  readonly stopAfterUnusedDays: number | null;
  /** The public half of the key that its client signs with (`private_key_jwt`), for the provider; `null` without one. */
  readonly clientJwk: PublicJwk | null;
  /** Grows with every change of the settings or the secret; a change of `status` leaves it. */
  readonly version: number;
  readonly status: 'healthy' | 'degraded';
  readonly reason: StatusReason | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Where an integration is: one of a tenant, or of the whole product (`tenantId: null`). */
export interface IntegrationPlace {
  readonly environment: string;
  readonly tenantId: string | null;
  readonly integrationId: string;
}

/** A row of `integrations` as the driver gives it. */
export interface IntegrationRow {
  readonly id: string;
  readonly environment: string;
  readonly integration_id: string;
  /** Empty for the product. */
  readonly tenant_id: string;
  readonly provider: string;
  readonly auth_method: string;
  readonly client_id: string;
  readonly client_secret: Uint8Array | null;
  readonly scopes: string[];
  readonly config: Record<string, string>;
  readonly redirect_uri: string | null;
  readonly dpop: boolean;
  readonly stop_after_unused_days: number | null;
  readonly client_key: Uint8Array | null;
  readonly client_jwk: PublicJwk | null;
  readonly status: IntegrationRecord['status'];
  readonly reason: StatusReason | null;
  readonly version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** All columns of an `IntegrationRow`, for `SELECT` and `RETURNING`. */
export const INTEGRATION_COLUMNS = `id, environment, integration_id, tenant_id, provider, auth_method, client_id,
  client_secret, scopes, config, redirect_uri, dpop,
  stop_after_unused_days, client_key, client_jwk, status, reason, version, created_at, updated_at`;

/** The record of a row; the sealed secret stays behind. */
export const toIntegrationRecord = (row: IntegrationRow): IntegrationRecord => ({
  rowId: row.id,
  environment: row.environment,
  integrationId: row.integration_id,
  tenantId: row.tenant_id === '' ? null : row.tenant_id,
  provider: row.provider,
  authMethod: row.auth_method,
  clientId: row.client_id,
  hasClientSecret: row.client_secret !== null,
  scopes: row.scopes,
  config: row.config,
  redirectUri: row.redirect_uri,
  dpop: row.dpop,
  stopAfterUnusedDays: row.stop_after_unused_days,
  clientJwk: row.client_jwk,
  version: row.version,
  status: row.status,
  reason: row.reason,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

const BY_PLACE = `SELECT ${INTEGRATION_COLUMNS} FROM integrations
  WHERE environment = $1 AND tenant_id = $2 AND integration_id = $3`;

/** The row of exactly that place. */
export const findIntegrationRow = async (
  db: Pick<Database, 'query'>,
  { environment, tenantId, integrationId }: IntegrationPlace,
): Promise<IntegrationRow | undefined> => {
  const values = [environment, tenantId ?? '', integrationId];
  const [row] = await db.query<IntegrationRow>('integration', BY_PLACE, values);
  return row;
};
