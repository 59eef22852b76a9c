import type { ParsedCredentialRef } from '@authpipe/types';
import type { Database } from '../db/database.js';
import { Problem } from '../errors/problem.js';
import type { SecretPlace, Vault } from '../vault/vault.js';
import {
  CONNECTION_COLUMNS,
  CONNECTION_SOURCE,
  type ConnectionRow,
  toConnectionRecord,
} from './connection-row.js';
import { connectionNotFound } from './connection-store.js';
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
const CREDENTIAL_COLUMNS = `k.envelope, k.token_type, k.issued_at, k.expires_at, k.refresh_expires_at, k.refresh_at,
  k.refresh_failures, k.refresh_intent_at, k.lease_until, k.suspected_reason`;

interface CredentialRow extends ConnectionRow {
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
}

const SELECT = `SELECT ${CONNECTION_COLUMNS}, ${CREDENTIAL_COLUMNS} FROM ${CONNECTION_SOURCE}`;

const BY_ID = `${SELECT} WHERE c.id = $1 AND c.environment = $2`;

/** By the unique key: one index look-up. */
const BY_INTEGRATION = `${SELECT} WHERE c.environment = $1 AND c.tenant_id = $2 AND c.owner = $3 AND c.user_id = $4
  AND c.label = $5 AND c.integration_id = $6`;

/**
 * The integrations that a provider's name may mean for this tenant are few; each is one look-up by the unique key. All
 * of them come back as `configured`, so that ambiguity does not depend on what the user has connected so far.
 */
const BY_PROVIDER = `WITH configured AS MATERIALIZED (
    SELECT array_agg(DISTINCT integration_id) AS ids FROM integrations
    WHERE environment = $1 AND provider = $6 AND tenant_id IN ('', $2))
  SELECT ${CONNECTION_COLUMNS}, ${CREDENTIAL_COLUMNS}, coalesce(configured.ids, '{}') AS configured
  FROM configured, ${CONNECTION_SOURCE}
  WHERE c.environment = $1 AND c.tenant_id = $2 AND c.owner = $3 AND c.user_id = $4 AND c.label = $5
    AND c.provider = $6 AND c.integration_id = ANY ((SELECT ids FROM configured) || $6::text)`;

/** Opened credentials. */
export interface CredentialStore {
  /**
   * Finds and opens the one credential that a reference means, in one SQL statement.
   * @throws Problem `connection_not_found`, also for another tenant's when `tenantId` limits the caller;
   *   `connection_ambiguous` when several integrations of the provider are set up and none has its name
   */
  findCredential(
    ref: ParsedCredentialRef,
    environment: string,
    tenantId: string | null,
  ): Promise<StoredCredential>;
  /** The same by id, without a Problem: `null` when it is gone. */
  openCredential(connectionId: string, environment: string): Promise<StoredCredential | null>;
}

/** The store that opens credentials. */
export const createCredentialStore = ({
  db,
  vault,
}: {
  readonly db: Database;
  readonly vault: Vault;
}): CredentialStore => {
  const open = async (row: CredentialRow): Promise<StoredCredential> => {
    const connection = toConnectionRecord(row);
    // Sealed by this server from the same type; the vault refuses anything that was altered.
    const secrets = JSON.parse(
      await vault.open(credentialPlace(connection, row.version), row.envelope),
    ) as CredentialSecrets;
    return {
      connection,
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
    };
  };

  const findRow = async (
    ref: ParsedCredentialRef,
    environment: string,
  ): Promise<CredentialRow | undefined> => {
    if ('connectionId' in ref) {
      return (await db.query<CredentialRow>('credential_by_id', BY_ID, [ref.connectionId, environment]))[0];
    }
    const owner = [environment, ref.tenantId, ref.owner ?? 'user', ref.userId ?? '', ref.label];
    if (ref.integration !== undefined) {
      const values = [...owner, ref.integration];
      const [row] = await db.query<CredentialRow>('credential_by_integration', BY_INTEGRATION, values);
      return ref.provider === undefined || row?.provider === ref.provider ? row : undefined;
    }
    const rows = await db.query<CredentialRow & { configured: string[] }>(
      'credential_by_provider',
      BY_PROVIDER,
      [...owner, ref.provider],
    );
    const named = rows.find(({ integration_id }) => integration_id === ref.provider);
    const configured = rows[0]?.configured ?? [];
    if (named || (ref.provider !== undefined && configured.includes(ref.provider))) return named;
    if (configured.length > 1) {
      throw new Problem(
        'connection_ambiguous',
        `Several integrations of ${ref.provider} are set up: name one of them as integration (${configured.join(', ')}).`,
      );
    }
    return rows[0];
  };

  return {
    async findCredential(ref, environment, tenantId) {
      const row = await findRow(ref, environment);
      if (!row || (tenantId !== null && row.tenant_id !== tenantId)) throw connectionNotFound();
      return open(row);
    },
    async openCredential(connectionId, environment) {
      const [row] = await db.query<CredentialRow>('credential_by_id', BY_ID, [connectionId, environment]);
      return row ? open(row) : null;
    },
  };
};
