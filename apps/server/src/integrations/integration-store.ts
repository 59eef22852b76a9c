import { findProvider as findInCatalogue, type ProviderDefinition } from '@authpipe/providers';
import type { Clock } from '../clock.js';
import { auditContent, insertAudit } from '../db/append-audit.js';
import type { Database } from '../db/database.js';
import { Problem } from '../errors/problem.js';
import type { PrivateJwk } from '../jwk.js';
import type { Randomness } from '../randomness.js';
import type { Vault } from '../vault/vault.js';
import { createClientSecrets } from './client-secret-store.js';
import { type ClientTrials, createClientTrials } from './client-trials.js';
import {
  chooseIntegration,
  type IntegrationFilter,
  selectIntegrations,
  usableByTenant,
} from './find-integrations.js';
import {
  findIntegrationRow,
  INTEGRATION_COLUMNS,
  type IntegrationPlace,
  type IntegrationRecord,
  type IntegrationRow,
  toIntegrationRecord,
} from './integration-record.js';
import { createMarkIntegration, type IntegrationMark, type MarkOutcome } from './mark-integration.js';
import { createPutIntegration, type IntegrationChange } from './put-integration.js';

export type { IntegrationFilter } from './find-integrations.js';
export type { IntegrationPlace, IntegrationRecord } from './integration-record.js';
export type { IntegrationMark, MarkOutcome } from './mark-integration.js';
export type { IntegrationChange } from './put-integration.js';

/** An OAuth client, opened. Secret: for requests to the provider and for nothing else. */
export interface OpenedClient {
  readonly clientId: string;
  readonly clientSecret: string | null;
  /** What it signs with, where it sends no secret (`private_key_jwt`). */
  readonly clientKey: PrivateJwk | null;
}

/** Whose integrations: one tenant's, or the product's (`tenantId: null`). */
export type IntegrationScope = Omit<IntegrationPlace, 'integrationId'>;

/** How many integrations of a provider are in a state. */
export interface IntegrationCount {
  readonly provider: string;
  readonly status: string;
  readonly reason: string | null;
  readonly count: number;
}

/** OAuth clients: the product's, and tenants' own. */
export interface Integrations extends ClientTrials {
  /**
   * Sets an integration up, or replaces its settings. The same request again changes nothing. A client secret that is left
   * out stays, as long as it goes where it went: another client, provider, method or host needs it sent again. Where the
   * method signs with a key, Authpipe makes the key, or takes the one that is brought; another host gets another key.
   * @throws Problem `invalid_request` with a pointer to each fault; `conflict` when connections keep the provider or the
   *   method from changing, or others are changing the integration
   */
  putIntegration(change: IntegrationChange): Promise<{ record: IntegrationRecord; created: boolean }>;
  /** Exactly that one: a tenant's place never finds the product's. */
  getIntegration(place: IntegrationPlace): Promise<IntegrationRecord | null>;
  /** Those of one tenant, or of the product, in the order of their ids. */
  listIntegrations(scope: IntegrationScope): Promise<IntegrationRecord[]>;
  /** @throws Problem `not_found`; `conflict` while connections use it */
  deleteIntegration(place: IntegrationPlace): Promise<void>;
  /** Over all environments and tenants, for the metrics. */
  countIntegrations(): Promise<IntegrationCount[]>;
  /** What a tenant can use and the filter means: its own hide the product's of the same id. */
  findIntegrations(filter: IntegrationScope & IntegrationFilter): Promise<IntegrationRecord[]>;
  /** The only one of them. @throws Problem `integration_not_configured`, `connection_ambiguous` */
  resolveIntegration(filter: IntegrationScope & IntegrationFilter): Promise<IntegrationRecord>;
  findByRowId(rowId: string): Promise<IntegrationRecord | null>;
  /** An integration with its client, read at one moment, so that the secret fits the hosts; `null` when it is gone. */
  openIntegration(rowId: string): Promise<{ integration: IntegrationRecord; client: OpenedClient } | null>;
  /**
   * The client of a record that was read before.
   * @throws Problem `conflict` when it was changed since: its secret may not be meant for the hosts of the record
   */
  openClient(record: Pick<IntegrationRecord, 'rowId' | 'version'>): Promise<OpenedClient>;
  /**
   * Notes how the client of a record that was read before does at the provider, unless the integration was changed since.
   * The change to `degraded` is told in one event.
   */
  markIntegration(
    record: Pick<IntegrationRecord, 'rowId' | 'version'>,
    mark: IntegrationMark,
    now: Date,
  ): Promise<MarkOutcome>;
}

export interface IntegrationsDependencies {
  readonly db: Database;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** `AUTHPIPE_DEV_ALLOW_LOOPBACK` */
  readonly allowLoopback: boolean;
  /** Redirect URIs have to be `https` then. */
  readonly isProduction: boolean;
  /** Told when an integration's client was replaced that the provider had refused: its connections are tried again. */
  readonly whenMended?: (rowId: string) => Promise<void>;
  /** The catalogue's, unless told. */
  readonly findProvider?: (id: string) => ProviderDefinition | undefined;
}

/** What Postgres answers when a row is still referred to; the second is `ON DELETE RESTRICT` since version 18. */
const STILL_REFERRED_TO = ['23503', '23001'];

const BY_ROW = `SELECT ${INTEGRATION_COLUMNS} FROM integrations WHERE id = $1`;

const OF_TENANTS = `SELECT ${INTEGRATION_COLUMNS} FROM integrations
  WHERE environment = $1 AND tenant_id = ANY ($2::text[]) ORDER BY integration_id, tenant_id`;

const COUNTS = `SELECT provider, status, reason, count(*)::int AS count FROM integrations
  GROUP BY provider, status, reason`;

const DELETE = `WITH gone AS (
    DELETE FROM integrations WHERE environment = $1 AND tenant_id = $2 AND integration_id = $3 RETURNING *
  ), audited AS (${insertAudit({
    environment: 'gone.environment',
    tenantId: 'gone.tenant_id',
    action: "'integration.deleted'",
    time: '$4::timestamptz',
    content: '$5::jsonb',
    from: 'gone',
  })})
  SELECT id FROM gone`;

/** The store of OAuth clients; their secrets lie in the vault. */
export const createIntegrations = ({
  db,
  vault,
  clock,
  randomness,
  allowLoopback,
  isProduction,
  whenMended = async () => {},
  findProvider = findInCatalogue,
}: IntegrationsDependencies): Integrations => {
  const secrets = createClientSecrets(vault);
  const putOptions = { findProvider, allowLoopback, isProduction };

  const findRow = async (rowId: string): Promise<IntegrationRow | undefined> => {
    const [row] = await db.query<IntegrationRow>('integration_by_row', BY_ROW, [rowId]);
    return row;
  };

  const list = async (environment: string, tenantIds: readonly string[]): Promise<IntegrationRecord[]> => {
    const rows = await db.query<IntegrationRow>('integrations', OF_TENANTS, [environment, tenantIds]);
    return rows.map(toIntegrationRecord);
  };

  const select = async ({ environment, tenantId, ...filter }: IntegrationScope & IntegrationFilter) => {
    const records = await list(environment, tenantId === null ? [''] : ['', tenantId]);
    return selectIntegrations(usableByTenant(records), filter);
  };

  return {
    putIntegration: createPutIntegration({ db, secrets, clock, randomness, whenMended, ...putOptions }),
    markIntegration: createMarkIntegration({ db, randomness }),
    ...createClientTrials(db),

    async getIntegration(place) {
      const row = await findIntegrationRow(db, place);
      return row ? toIntegrationRecord(row) : null;
    },

    listIntegrations: ({ environment, tenantId }) => list(environment, [tenantId ?? '']),

    async deleteIntegration({ environment, tenantId, integrationId }) {
      const content = JSON.stringify(auditContent({ integration: integrationId }));
      const values = [environment, tenantId ?? '', integrationId, clock.now(), content];
      const gone = await db.query('integration_delete', DELETE, values).catch((error: unknown) => {
        const code = error instanceof Error && 'code' in error ? String(error.code) : '';
        if (!STILL_REFERRED_TO.includes(code)) throw error;
        throw new Problem('conflict', 'Connections use this integration: delete them first.', {
          cause: error,
        });
      });
      if (gone.length === 0) throw new Problem('not_found', 'There is no such integration.');
    },

    countIntegrations: () => db.query<IntegrationCount>('integration_counts', COUNTS, []),

    findIntegrations: select,

    async resolveIntegration(filter) {
      return chooseIntegration(await select(filter), filter);
    },

    async findByRowId(rowId) {
      const row = await findRow(rowId);
      return row ? toIntegrationRecord(row) : null;
    },

    async openIntegration(rowId) {
      const row = await findRow(rowId);
      if (!row) return null;
      const client = { clientId: row.client_id, ...(await secrets.open(row)) };
      return { integration: toIntegrationRecord(row), client };
    },

    async openClient({ rowId, version }) {
      const row = await findRow(rowId);
      if (row?.version !== version) {
        throw new Problem('conflict', 'The integration was changed a moment ago: try again.');
      }
      return { clientId: row.client_id, ...(await secrets.open(row)) };
    },
  };
};
