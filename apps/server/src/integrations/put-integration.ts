import type { ProviderDefinition } from '@authpipe/providers';
import type { IntegrationRequest } from '@authpipe/types';
import type { Clock } from '../clock.js';
import { auditContent, insertAudit } from '../db/append-audit.js';
import type { Database } from '../db/database.js';
import { Problem } from '../errors/problem.js';
import { newId, type Randomness } from '../randomness.js';
import { type CheckedIntegration, checkIntegration, type IntegrationSettings } from './check-integration.js';
import type { ClientSecrets } from './client-secret-store.js';
import { insertIntegrationEvent } from './integration-event.js';
import {
  findIntegrationRow,
  INTEGRATION_COLUMNS,
  type IntegrationPlace,
  type IntegrationRecord,
  type IntegrationRow,
  toIntegrationRecord,
} from './integration-record.js';
import { type NextProof, nextClientProof } from './next-client-proof.js';

/** An integration as somebody wants it to be. */
export interface IntegrationChange extends IntegrationPlace {
  /** The row's id where it is new; a random one unless told. */
  readonly rowId?: string;
  readonly request: IntegrationRequest;
}

export interface PutIntegrationDependencies {
  readonly db: Database;
  readonly secrets: ClientSecrets;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly whenMended: (rowId: string) => Promise<void>;
  readonly findProvider: (id: string) => ProviderDefinition | undefined;
  readonly allowLoopback: boolean;
  readonly isProduction: boolean;
}

/** Writes of others that a write gives way to before it gives up. Each means that somebody else made progress. */
const MAX_ATTEMPTS = 8;

const audited = (action: string, from: string, time: string, content: string): string =>
  `audited AS (${insertAudit({
    environment: `${from}.environment`,
    tenantId: `${from}.tenant_id`,
    action: `'${action}'`,
    time: `${time}::timestamptz`,
    content: `${content}::jsonb`,
    from,
  })})`;

const INSERT = `WITH made AS (INSERT INTO integrations (id, environment, tenant_id, integration_id, client_secret, client_key,
    client_jwk, created_at, updated_at, provider, auth_method, client_id, scopes, config, redirect_uri, dpop,
    stop_after_unused_days)
  VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $8, $9, $10, $11, $12::text[], $13::jsonb, $14, $15, $16)
  ON CONFLICT (environment, tenant_id, integration_id) DO NOTHING RETURNING *),
  ${audited('integration.created', 'made', '$8', '$17')} SELECT ${INTEGRATION_COLUMNS} FROM made`;

/** Whether the change `i` gave a client that was refused another one: what was told of it is over. */
const IS_MENDED = `i.was = 'degraded' AND i.status = 'healthy'`;

/** The fence: version, and for a change of whom the grants are with, that no connection was made meanwhile. */
const UPDATE = `WITH before AS (SELECT id, status AS was FROM integrations WHERE id = $1 AND version = $2 FOR UPDATE),
  changed AS (UPDATE integrations i SET version = version + 1, client_secret = $3, client_key = $4,
    client_jwk = $5::jsonb, updated_at = $6,
    status = CASE WHEN $7::boolean THEN 'healthy' ELSE status END,
    reason = CASE WHEN $7::boolean THEN NULL ELSE reason END,
    retry_at = CASE WHEN $7::boolean THEN NULL ELSE retry_at END,
    provider = $8, auth_method = $9, client_id = $10, scopes = $11::text[], config = $12::jsonb, redirect_uri = $13,
    dpop = $14, stop_after_unused_days = $15
  FROM before WHERE i.id = before.id AND version = $2 AND ($16::boolean
    OR NOT EXISTS (SELECT 1 FROM connections c WHERE c.integration_row_id = i.id))
  RETURNING i.*, before.was), ${audited('integration.changed', 'changed', '$6', '$17')},
  told AS (${insertIntegrationEvent({
    id: '$18',
    type: "'integration.recovered'",
    time: '$6::timestamptz',
    from: `changed i WHERE ${IS_MENDED}`,
  })})
  SELECT ${INTEGRATION_COLUMNS}, (${IS_MENDED}) AS "isMended" FROM changed i`;

const NO_PROOF = { clientSecret: null, clientKey: null, clientJwk: null };

const USED = 'SELECT 1 FROM connections WHERE integration_row_id = $1 LIMIT 1';

const columnsOf = ({
  provider,
  authMethod,
  clientId,
  scopes,
  config,
  redirectUri,
  dpop,
  stopAfterUnusedDays,
}: IntegrationSettings) => [
  provider,
  authMethod,
  clientId,
  scopes,
  JSON.stringify(config),
  redirectUri,
  dpop,
  stopAfterUnusedDays,
];

/** The settings as one comparable text. */
const textOf = ({ config, ...rest }: IntegrationSettings): string =>
  JSON.stringify([...columnsOf({ ...rest, config: {} }), Object.entries(config).sort()]);

const settingsOf = (row: IntegrationRow): IntegrationSettings => ({
  provider: row.provider,
  authMethod: row.auth_method,
  clientId: row.client_id,
  scopes: row.scopes,
  config: row.config,
  redirectUri: row.redirect_uri,
  dpop: row.dpop,
  stopAfterUnusedDays: row.stop_after_unused_days,
});

/** Names of what changes, for the audit: never what it was or is. */
const changedFields = (
  next: IntegrationSettings,
  before: IntegrationSettings,
  isNewProof: boolean,
): string[] => [
  ...(Object.keys(next) as (keyof IntegrationSettings)[]).filter(
    (name) => canonicalText(next[name]) !== canonicalText(before[name]),
  ),
  ...(isNewProof ? ['clientSecret'] : []),
];

const canonicalText = (value: unknown): string =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? JSON.stringify(Object.entries(value).sort())
    : JSON.stringify(value);

/** What changes of whom a secret belongs to and where it is sent, in words of the API. */
const destinationChanges = (
  row: IntegrationRow,
  { settings, destinationFields }: CheckedIntegration,
): string[] => [
  ...(settings.provider === row.provider ? [] : ['provider']),
  ...(settings.authMethod === row.auth_method ? [] : ['authMethod']),
  ...(settings.clientId === row.client_id ? [] : ['clientId']),
  ...destinationFields
    .filter((field) => settings.config[field] !== row.config[field])
    .map((field) => `config.${field}`),
];

const secretNeeded = (changes: readonly string[]): Problem => {
  const detail = `must be sent again, since this changes: ${changes.join(', ')}. A stored secret only goes where it went before.`;
  return new Problem('invalid_request', `The integration is not valid: clientSecret ${detail}`, {
    errors: [{ pointer: '/clientSecret', detail }],
  });
};

/** Sets an integration up or changes it: see `Integrations.putIntegration`. */
export const createPutIntegration = ({
  db,
  secrets,
  clock,
  randomness,
  whenMended,
  ...options
}: PutIntegrationDependencies) => {
  const proofColumns = async (identity: Parameters<ClientSecrets['seal']>[0], proof: NextProof) => {
    const sealed = await secrets.seal(identity, proof);
    const jwk = proof.clientJwk && JSON.stringify(proof.clientJwk);
    return [sealed.client_secret, sealed.client_key, jwk];
  };

  const insert = async (
    { environment, tenantId, integrationId, rowId, request: { clientSecret } }: IntegrationChange,
    checked: CheckedIntegration,
  ): Promise<IntegrationRow | undefined> => {
    const identity = {
      id: rowId ?? newId('int', randomness),
      environment,
      tenant_id: tenantId ?? '',
      version: 1,
    };
    const proof = await nextClientProof({ ...checked, clientSecret }, NO_PROOF, false);
    const values = [
      ...[identity.id, environment, identity.tenant_id, integrationId],
      ...(await proofColumns(identity, proof)),
      clock.now(),
      ...columnsOf(checked.settings),
      JSON.stringify(auditContent({ integration: integrationId, provider: checked.settings.provider })),
    ];
    const [row] = await db.query<IntegrationRow>('integration_insert', INSERT, values);
    return row;
  };

  /** Grants were made with one server by one method: their tokens must not be sent to another. */
  const requireNoConnections = async ({ id }: IntegrationRow): Promise<void> => {
    const [used] = await db.query('integration_used', USED, [id]);
    if (!used) return;
    throw new Problem(
      'conflict',
      'Connections use this integration: its provider, auth method and hosts stay. Set up another one beside it.',
    );
  };

  const update = async (
    row: IntegrationRow,
    { clientSecret }: IntegrationRequest,
    checked: CheckedIntegration,
  ): Promise<IntegrationRow | undefined> => {
    const { settings } = checked;
    const changes = destinationChanges(row, checked);
    const isLeftOut = clientSecret === undefined && !checked.signs;
    if (changes.length > 0 && row.client_secret !== null && isLeftOut) {
      throw secretNeeded(changes);
    }
    const keepsGrants = changes.every((change) => change === 'clientId');
    if (!keepsGrants) await requireNoConnections(row);
    const isGiven = clientSecret !== undefined || checked.clientKey !== null;
    const opened = isGiven ? await secrets.openIfPossible(row) : await secrets.open(row);
    const stored = { ...opened, clientJwk: row.client_jwk };
    const proof = await nextClientProof({ ...checked, clientSecret }, stored, !keepsGrants);
    if (!proof.isNew && textOf(settings) === textOf(settingsOf(row))) return row;
    // What the provider said of the old client says nothing of the new one.
    const isNewClient = proof.isNew || changes.length > 0;
    const values = [
      ...[row.id, row.version],
      ...(await proofColumns({ ...row, version: row.version + 1 }, proof)),
      ...[clock.now(), isNewClient],
      ...columnsOf(settings),
      keepsGrants,
      JSON.stringify(
        auditContent({
          integration: row.integration_id,
          provider: settings.provider,
          changed: changedFields(settings, settingsOf(row), proof.isNew),
        }),
      ),
      newId('evt', randomness),
    ];
    const [changed] = await db.query<IntegrationRow & { isMended: boolean }>(
      'integration_update',
      UPDATE,
      values,
    );
    if (changed?.isMended) await whenMended(row.id);
    return changed;
  };

  return async (change: IntegrationChange): Promise<{ record: IntegrationRecord; created: boolean }> => {
    const { integrationId, request } = change;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const row = await findIntegrationRow(db, change);
      const hasClientSecret = request.clientSecret !== undefined || (row?.client_secret ?? null) !== null;
      const checked = checkIntegration(integrationId, request, { ...options, hasClientSecret });
      const written = row ? await update(row, request, checked) : await insert(change, checked);
      if (written) return { record: toIntegrationRecord(written), created: row === undefined };
    }
    throw new Problem('conflict', 'The integration is being changed by others at the same time: try again.');
  };
};
