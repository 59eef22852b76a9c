import type { ParsedCredentialRef } from '@authpipe/types';
import { LRUCache } from 'lru-cache';
import type { Database } from '../db/database.js';
import { Problem } from '../errors/problem.js';
import type { SecretPlace, Vault } from '../vault/vault.js';
import { CONNECTION_COLUMNS, CONNECTION_CONFIG, CONNECTION_SOURCE } from './connection-row.js';
import { connectionNotFound } from './connection-store.js';
import type {
  CredentialSecrets,
  FoundCredential,
  ServedCredential,
  StoredCredential,
} from './credential-record.js';
import {
  CREDENTIAL_COLUMNS,
  type CredentialRow,
  credentialPlace,
  toStoredCredential,
} from './credential-row.js';

const WHOLE_BY_ID = `SELECT ${CONNECTION_COLUMNS}, ${CREDENTIAL_COLUMNS} FROM ${CONNECTION_SOURCE}
  WHERE c.id = $1 AND c.environment = $2`;

/**
 * What a read needs, in the server's own words. As one JSON value it takes Postgres and the driver half the time that the
 * same columns take one by one.
 */
const SERVED = `json_build_object(
    'version', k.version, 'tokenType', k.token_type,
    'expiresAt', k.expires_at, 'refreshAt', coalesce(k.refresh_at, k.refresh_stopped_at), 'leaseUntil', k.lease_until,
    'lastUsedAt', k.last_used_at,
    'connection', json_build_object(
      'id', c.id, 'environment', c.environment, 'provider', c.provider, 'authMethod', c.auth_method, 'kind', c.kind,
      'tenantId', c.tenant_id, 'status', c.status, 'reason', c.reason, 'account', c.account, 'scopes', c.scopes,
      'config', ${CONNECTION_CONFIG})) AS served, k.envelope`;

interface ServedRow {
  /** JSON has no dates: times are RFC 3339. */
  readonly served: Pick<ServedCredential, 'version' | 'tokenType' | 'connection'> & {
    readonly expiresAt: string | null;
    readonly refreshAt: string | null;
    readonly leaseUntil: string | null;
    readonly lastUsedAt: string | null;
  };
  readonly envelope: Uint8Array;
}

const dateOf = (time: string | null): Date | null => (time === null ? null : new Date(time));

const BY_ID = `SELECT ${SERVED} FROM ${CONNECTION_SOURCE} WHERE c.id = $1 AND c.environment = $2`;

const OF_OWNER =
  'c.environment = $1 AND c.tenant_id = $2 AND c.owner = $3 AND c.user_id = $4 AND c.label = $5';

/** By the unique key: one index look-up. */
const BY_INTEGRATION = `SELECT ${SERVED} FROM ${CONNECTION_SOURCE} WHERE ${OF_OWNER} AND c.integration_id = $6`;

/** The integration that has the provider's name: it wins, whatever else there is. */
const BY_NAME = `${BY_INTEGRATION} AND c.provider = $6`;

/** The integrations that a provider's name may mean for this tenant: few. One may be there twice, the tenant's own too. */
const CONFIGURED = `ARRAY(SELECT integration_id FROM integrations
  WHERE environment = $1 AND provider = $6 AND tenant_id IN ('', $2))`;

/**
 * The same, and the others where it is not there. They come with all ids that are `configured`, so that ambiguity does
 * not depend on what the user has connected so far. An append runs its parts in their order, until the limit is reached.
 */
const BY_PROVIDER = `(SELECT ${SERVED}, NULL::text[] AS configured FROM ${CONNECTION_SOURCE}
    WHERE ${OF_OWNER} AND c.provider = $6 AND c.integration_id = $6)
  UNION ALL
  (SELECT ${SERVED}, ${CONFIGURED} AS configured FROM ${CONNECTION_SOURCE}
    WHERE ${OF_OWNER} AND c.provider = $6 AND c.integration_id = ANY (${CONFIGURED}))
  LIMIT 1`;

/** Tenants and providers in use at one time; one that falls out costs a statement. */
const MAX_NAMED_OTHERWISE = 10_000;

/** Opened credentials. */
export interface CredentialStore {
  /**
   * Finds and opens the one credential that a reference means, in one SQL statement; in two the first time that a
   * tenant's integration has another name than its provider.
   * @throws Problem `connection_not_found`, also for another tenant's when `tenantId` limits the caller;
   *   `connection_ambiguous` when several integrations of the provider are set up and none has its name
   */
  findCredential(
    ref: ParsedCredentialRef,
    environment: string,
    tenantId: string | null,
  ): Promise<FoundCredential>;
  /** All of a credential, without a Problem: `null` when it is gone. */
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
  /** Tenants whose connections with a provider were found under an integration of another name. Only ever a hint. */
  const namedOtherwise = new LRUCache<string, true>({ max: MAX_NAMED_OTHERWISE });

  const openSecrets = async (place: SecretPlace, envelope: Uint8Array): Promise<CredentialSecrets> =>
    // Sealed by this server from the same type; the vault refuses anything that was altered.
    JSON.parse(await vault.open(place, envelope)) as CredentialSecrets;

  const serve = async ({ served, envelope }: ServedRow): Promise<FoundCredential> => ({
    connection: served.connection,
    version: served.version,
    secrets: await openSecrets(credentialPlace(served.connection, served.version), envelope),
    tokenType: served.tokenType,
    expiresAt: dateOf(served.expiresAt),
    refreshAt: dateOf(served.refreshAt),
    leaseUntil: dateOf(served.leaseUntil),
    lastUsedAt: dateOf(served.lastUsedAt),
  });

  const findRow = async (ref: ParsedCredentialRef, environment: string): Promise<ServedRow | undefined> => {
    if ('connectionId' in ref) {
      return (await db.query<ServedRow>('credential_by_id', BY_ID, [ref.connectionId, environment]))[0];
    }
    const owner = [environment, ref.tenantId, ref.owner ?? 'user', ref.userId ?? '', ref.label];
    if (ref.integration !== undefined) {
      const values = [...owner, ref.integration];
      const [row] = await db.query<ServedRow>('credential_by_integration', BY_INTEGRATION, values);
      const provider = row?.served.connection.provider;
      return ref.provider === undefined || provider === ref.provider ? row : undefined;
    }
    const values = [...owner, ref.provider];
    const tenantsProvider = JSON.stringify([environment, ref.tenantId, ref.provider]);
    // Preparing to look for other names costs Postgres more than the look itself: done where it was of use before.
    if (!namedOtherwise.has(tenantsProvider)) {
      const [named] = await db.query<ServedRow>('credential_by_name', BY_NAME, values);
      if (named) return named;
    }
    const [row] = await db.query<ServedRow & { configured: string[] | null }>(
      'credential_by_provider',
      BY_PROVIDER,
      values,
    );
    if (!row?.configured) return row;
    namedOtherwise.set(tenantsProvider, true);
    const configured = new Set(row.configured);
    if (configured.has(row.served.connection.provider)) return undefined;
    if (configured.size > 1) {
      throw new Problem(
        'connection_ambiguous',
        `Several integrations of ${ref.provider} are set up: name one of them as integration (${[...configured].sort().join(', ')}).`,
      );
    }
    return row;
  };

  return {
    async findCredential(ref, environment, tenantId) {
      const row = await findRow(ref, environment);
      if (!row || (tenantId !== null && row.served.connection.tenantId !== tenantId)) {
        throw connectionNotFound();
      }
      return serve(row);
    },
    async openCredential(connectionId, environment) {
      const [row] = await db.query<CredentialRow>('credential_whole', WHOLE_BY_ID, [
        connectionId,
        environment,
      ]);
      if (!row) return null;
      const identity = { id: row.id, environment: row.environment, tenantId: row.tenant_id };
      return toStoredCredential(row, await openSecrets(credentialPlace(identity, row.version), row.envelope));
    },
  };
};
