import { CONNECTION_CONFIG } from './connection-row.js';
import type { ServedCredential } from './credential-record.js';

/**
 * What a read needs, in the server's own words. As one JSON value it takes Postgres and the driver half the time that the
 * same columns take one by one.
 */
export const SERVED = `json_build_object(
    'version', k.version, 'tokenType', k.token_type,
    'expiresAt', k.expires_at, 'refreshAt', coalesce(k.refresh_at, k.refresh_stopped_at), 'leaseUntil', k.lease_until,
    'lastUsedAt', k.last_used_at,
    'connection', json_build_object(
      'id', c.id, 'environment', c.environment, 'provider', c.provider, 'authMethod', c.auth_method, 'kind', c.kind,
      'tenantId', c.tenant_id, 'status', c.status, 'reason', c.reason, 'account', c.account, 'scopes', c.scopes,
      'config', ${CONNECTION_CONFIG})) AS served, k.envelope`;

/** A row of `SERVED`. */
export interface ServedRow {
  /** JSON has no dates: times are RFC 3339. */
  readonly served: Pick<ServedCredential, 'version' | 'tokenType' | 'connection'> & {
    readonly expiresAt: string | null;
    readonly refreshAt: string | null;
    readonly leaseUntil: string | null;
    readonly lastUsedAt: string | null;
  };
  readonly envelope: Uint8Array;
}
