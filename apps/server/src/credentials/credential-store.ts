import type { ParsedCredentialRef } from '@authpipe/types';
import { LRUCache } from 'lru-cache';
import type { Database } from '../db/database.js';
import { Problem } from '../errors/problem.js';
import type { SecretPlace, Vault } from '../vault/vault.js';
import { CONNECTION_COLUMNS, CONNECTION_SOURCE } from './connection-row.js';
import { connectionNotFound } from './connection-store.js';
import type { CredentialSecrets, FoundCredential, StoredCredential } from './credential-record.js';
import {
  CREDENTIAL_COLUMNS,
  type CredentialRow,
  credentialPlace,
  toStoredCredential,
} from './credential-row.js';
import { SERVED, type ServedRow } from './served-row.js';
import { createServedRowLookup } from './served-row-lookup.js';

const WHOLE_BY_ID = `SELECT ${CONNECTION_COLUMNS}, ${CREDENTIAL_COLUMNS} FROM ${CONNECTION_SOURCE}
  WHERE c.id = $1 AND c.environment = $2`;

const dateOf = (time: string | null): Date | null => (time === null ? null : new Date(time));

const OWNER_COLUMNS = ['environment', 'tenant_id', 'owner', 'user_id', 'label'];

const OF_OWNER = OWNER_COLUMNS.map((column, index) => `c.${column} = $${index + 1}`).join(' AND ');

/** The integrations that a provider's name may mean for this tenant: few. One may be there twice, the tenant's own too. */
const CONFIGURED = `ARRAY(SELECT integration_id FROM integrations
  WHERE environment = $1 AND provider = $6 AND tenant_id IN ('', $2))`;

/**
 * The integration that has the provider's name, and the others where it is not there. They come with all ids that are
 * `configured`, so that ambiguity does not depend on what the user has connected so far. An append runs its parts in their
 * order, until the limit is reached.
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
   * Finds and opens the one credential that a reference means, in one SQL statement that it may share with others; in two
   * the first time that a tenant's integration has another name than its provider.
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

  const byId = createServedRowLookup(db, 'credential_by_id', ['id', 'environment']);
  // By the unique key: one index look-up.
  const byIntegration = createServedRowLookup(db, 'credential_by_integration', [
    ...OWNER_COLUMNS,
    'integration_id',
  ]);
  /** The integration that has the provider's name: it wins, whatever else there is. */
  const byName = createServedRowLookup(
    db,
    'credential_by_name',
    [...OWNER_COLUMNS, 'integration_id'],
    'c.provider = c.integration_id',
  );

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
    if ('connectionId' in ref) return byId([ref.connectionId, environment]);
    const owner = [environment, ref.tenantId, ref.owner ?? 'user', ref.userId ?? '', ref.label];
    if (ref.integration !== undefined) {
      const row = await byIntegration([...owner, ref.integration]);
      const provider = row?.served.connection.provider;
      return ref.provider === undefined || provider === ref.provider ? row : undefined;
    }
    if (ref.provider === undefined) return undefined;
    const values = [...owner, ref.provider];
    const tenantsProvider = JSON.stringify([environment, ref.tenantId, ref.provider]);
    // Preparing to look for other names costs Postgres more than the look itself: done where it was of use before.
    if (!namedOtherwise.has(tenantsProvider)) {
      const named = await byName(values);
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
        throw connectionNotFound('connectionId' in ref ? 'id' : 'owner');
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
