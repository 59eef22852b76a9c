import type { SecretPlace } from '../vault/vault.js';
import { type ConnectionRow, toConnectionRecord } from './connection-row.js';
import type { CredentialSecrets, StoredCredential } from './credential-record.js';

/** Where a credential is sealed: a ciphertext opens for this connection, at this version, and nowhere else. */
export const credentialPlace = (
  connection: { readonly id: string; readonly environment: string; readonly tenantId: string },
  version: number,
): SecretPlace => ({
  environment: connection.environment,
  tenantId: connection.tenantId,
  record: connection.id,
  field: 'credential',
  version,
});

/** Columns of a credential, beside those of its connection. */
export const CREDENTIAL_COLUMNS = `k.envelope, k.token_type, k.issued_at, k.expires_at, k.refresh_expires_at,
  k.refresh_at, k.refresh_failures, k.refresh_intent_at, k.lease_until, k.suspected_reason,
  k.worked_at, k.failing_since, k.renewal_refused_since`;

/** A row of `CONNECTION_COLUMNS` and `CREDENTIAL_COLUMNS`. */
export interface CredentialRow extends ConnectionRow {
  readonly envelope: Uint8Array;
  readonly token_type: string;
  readonly issued_at: Date;
  readonly expires_at: Date | null;
  readonly refresh_expires_at: Date | null;
  readonly refresh_at: Date | null;
  readonly refresh_failures: number;
  readonly refresh_intent_at: Date | null;
  readonly lease_until: Date | null;
  readonly suspected_reason: StoredCredential['suspectedReason'];
  readonly worked_at: Date | null;
  readonly failing_since: Date | null;
  readonly renewal_refused_since: Date | null;
}

/** A row in the server's own words, with its opened secrets. */
export const toStoredCredential = (row: CredentialRow, secrets: CredentialSecrets): StoredCredential => ({
  connection: toConnectionRecord(row),
  version: row.version,
  secrets,
  tokenType: row.token_type,
  issuedAt: row.issued_at,
  expiresAt: row.expires_at,
  refreshExpiresAt: row.refresh_expires_at,
  refreshAt: row.refresh_at,
  refreshFailures: row.refresh_failures,
  refreshIntentAt: row.refresh_intent_at,
  leaseUntil: row.lease_until,
  suspectedReason: row.suspected_reason,
  workedAt: row.worked_at,
  failingSince: row.failing_since,
  renewalRefusedSince: row.renewal_refused_since,
});
