import {
  PREVIOUS_SECRET_SECONDS,
  type WebhookEndpoint,
  type WebhookEndpointChange,
  type WebhookEndpointRequest,
  type WebhookEndpointWithSecret,
} from '@authpipe/types';
import { addSeconds, type Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import { Problem } from '../errors/problem.js';
import { newId, type Randomness } from '../randomness.js';
import type { Vault } from '../vault/vault.js';
import { audited, auditedSql } from './audited-endpoint.js';
import { ENDPOINT_COLUMNS, type EndpointRow, secretPlace, toWebhookEndpoint } from './endpoint-record.js';
import { checkEndpointUrl } from './endpoint-url.js';

/** Every event is written once for each; a product has a handful. */
const MAX_ENDPOINTS = 50;
/** Standard Webhooks: between 24 and 64. */
const SECRET_BYTES = 32;

/** Whether what failed until now says nothing any more. */
const FRESH = `($6::boolean AND NOT enabled OR $3::text <> url)`;

/** Also for one of another environment. */
export const noSuchEndpoint = (): Problem =>
  new Problem('not_found', 'There is no such webhook endpoint: GET the list, or POST one.');

export interface EndpointStoreDependencies {
  readonly db: Database;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** `AUTHPIPE_DEV_ALLOW_LOOPBACK` */
  readonly allowLoopback: boolean;
}

/** Webhook endpoints of the whole product, and their secrets. */
export const createEndpointStore = ({
  db,
  vault,
  clock,
  randomness,
  allowLoopback,
}: EndpointStoreDependencies) => {
  const newSecret = (): string => `whsec_${randomness.bytes(SECRET_BYTES).toString('base64')}`;

  const read = async (id: string, environment: string): Promise<EndpointRow> => {
    const [row] = await db.query<EndpointRow>(
      'webhook_endpoint',
      `SELECT ${ENDPOINT_COLUMNS} FROM webhook_endpoints WHERE id = $1 AND environment = $2`,
      [id, environment],
    );
    if (!row) throw noSuchEndpoint();
    return row;
  };

  return {
    /** Makes one; it is told of what is committed from now on. @throws Problem `invalid_request`, `conflict` */
    async createEndpoint(
      environment: string,
      request: WebhookEndpointRequest,
    ): Promise<WebhookEndpointWithSecret> {
      const { url, description = '', eventTypes = [], enabled = true } = request;
      const id = newId('whe', randomness);
      const secret = newSecret();
      const sealed = await vault.seal(secretPlace({ id, environment }, 1), secret);
      const now = clock.now();
      const [row] = await db.query<EndpointRow>(
        'webhook_endpoint_create',
        `WITH made AS (INSERT INTO webhook_endpoints (id, environment, url, description, event_types, enabled, enabled_at, secret,
           secret_version, queued_up_to, created_at, updated_at)
         SELECT $1, $2::text, $3, $4, $5::text[], $6::boolean, $7::timestamptz, $8::bytea, 1, number_events(),
           $7::timestamptz, $7::timestamptz
         WHERE (SELECT count(*) FROM webhook_endpoints WHERE environment = $2::text) < ${MAX_ENDPOINTS}
         RETURNING *), ${auditedSql('webhook_endpoint.created', 'made', '$9', '$7')}
         SELECT ${ENDPOINT_COLUMNS} FROM made`,
        [
          id,
          environment,
          checkEndpointUrl(url, allowLoopback),
          description,
          [...new Set(eventTypes)],
          enabled,
          now,
          sealed,
          audited({ endpointId: id }),
        ],
      );
      if (row) return { ...toWebhookEndpoint(row, now), secret };
      throw new Problem(
        'conflict',
        `There are ${MAX_ENDPOINTS} webhook endpoints in this environment, which is the most there can be: delete one first.`,
      );
    },

    async listEndpoints(environment: string): Promise<WebhookEndpoint[]> {
      const rows = await db.query<EndpointRow>(
        'webhook_endpoints',
        `SELECT ${ENDPOINT_COLUMNS} FROM webhook_endpoints WHERE environment = $1 ORDER BY created_at, id`,
        [environment],
      );
      return rows.map((row) => toWebhookEndpoint(row, clock.now()));
    },

    /** @throws Problem `not_found` */
    async getEndpoint(id: string, environment: string): Promise<WebhookEndpoint> {
      return toWebhookEndpoint(await read(id, environment), clock.now());
    },

    /**
     * Changes what is given. One that is enabled again, or given another URL, is tried at once, as if it had never
     * failed, and goes on where it stopped. With nothing given, nothing is changed or audited. @throws Problem `not_found`, `invalid_request`
     */
    async updateEndpoint(
      id: string,
      environment: string,
      { url, description, eventTypes, enabled }: WebhookEndpointChange,
    ): Promise<WebhookEndpoint> {
      const now = clock.now();
      const changed = Object.entries({ url, description, eventTypes, enabled }).flatMap(([name, value]) =>
        value === undefined ? [] : [name],
      );
      if (changed.length === 0) return toWebhookEndpoint(await read(id, environment), now);
      const [row] = await db.query<EndpointRow>(
        'webhook_endpoint_update',
        `WITH changed AS (
           UPDATE webhook_endpoints e SET
             url = coalesce($3::text, url), description = coalesce($4::text, description),
             event_types = coalesce($5::text[], event_types), enabled = coalesce($6::boolean, enabled),
             disabled_reason = CASE WHEN $6::boolean IS NULL THEN disabled_reason END,
             disabled_at = CASE WHEN $6::boolean IS NULL OR NOT enabled AND NOT $6::boolean THEN disabled_at
               WHEN NOT $6::boolean THEN $7::timestamptz END,
             enabled_at = CASE WHEN ${FRESH} THEN $7::timestamptz ELSE enabled_at END,
             failures = CASE WHEN ${FRESH} THEN 0 ELSE failures END,
             failing_since = CASE WHEN ${FRESH} THEN NULL ELSE failing_since END,
             retry_at = CASE WHEN ${FRESH} THEN NULL ELSE retry_at END,
             updated_at = $7::timestamptz
           WHERE id = $1 AND environment = $2 RETURNING e.*, e.enabled_at = $7::timestamptz AS is_fresh
         ), due AS (
           UPDATE webhook_lanes l SET due_at = least(l.due_at, $7::timestamptz), failures = 0 FROM (
             SELECT k.endpoint_id, k.key FROM webhook_lanes k JOIN changed ON changed.id = k.endpoint_id
             WHERE changed.is_fresh AND (k.due_at > $7::timestamptz OR k.failures > 0) ORDER BY k.key FOR UPDATE OF k) late
           WHERE l.endpoint_id = late.endpoint_id AND l.key = late.key
         ), ${auditedSql('webhook_endpoint.changed', 'changed', '$8', '$7')}
         SELECT ${ENDPOINT_COLUMNS} FROM changed`,
        [
          id,
          environment,
          url === undefined ? null : checkEndpointUrl(url, allowLoopback),
          description ?? null,
          eventTypes === undefined ? null : [...new Set(eventTypes)],
          enabled ?? null,
          now,
          audited({ endpointId: id, changed }),
        ],
      );
      if (!row) throw noSuchEndpoint();
      return toWebhookEndpoint(row, now);
    },

    /** Forgets it and all that it was sent or would be. @throws Problem `not_found` */
    async deleteEndpoint(id: string, environment: string): Promise<void> {
      const gone = await db.query(
        'webhook_endpoint_delete',
        `WITH gone AS (DELETE FROM webhook_endpoints WHERE id = $1 AND environment = $2 RETURNING id, environment),
         ${auditedSql('webhook_endpoint.deleted', 'gone', '$3', '$4')} SELECT id FROM gone`,
        [id, environment, audited({ endpointId: id }), clock.now()],
        { mayTakeLong: true },
      );
      if (gone.length === 0) throw noSuchEndpoint();
    },

    /**
     * Gives it another secret. Webhooks are signed with both for a while. While they are, it is not changed again: the
     * one that is deployed would sign no longer.
     * @param previousValidForSeconds a day, unless told; 0: neither of those before signs any more, also before its time
     * @throws Problem `not_found`, `conflict`
     */
    async rotateSecret(
      id: string,
      environment: string,
      previousValidForSeconds = PREVIOUS_SECRET_SECONDS,
    ): Promise<WebhookEndpointWithSecret> {
      const before = await read(id, environment);
      const now = clock.now();
      const until = before.previous_secret_until;
      if (previousValidForSeconds > 0 && until !== null && until > now) {
        throw new Problem(
          'conflict',
          `The secret was changed already, and the one before signs until ${until.toISOString()}. Change it again after that; or send "previousValidForSeconds": 0, and neither signs any more.`,
        );
      }
      const secret = newSecret();
      const sealed = await vault.seal(secretPlace(before, before.secret_version + 1), secret);
      const [row] = await db.query<EndpointRow>(
        'webhook_endpoint_rotate',
        `WITH changed AS (UPDATE webhook_endpoints SET previous_secret = secret, previous_secret_version = secret_version,
           previous_secret_until = $4, secret = $5, secret_version = secret_version + 1, updated_at = $6
         WHERE id = $1 AND environment = $2 AND secret_version = $3 RETURNING *),
         ${auditedSql('webhook_endpoint.secret_rotated', 'changed', '$7', '$6')}
         SELECT ${ENDPOINT_COLUMNS} FROM changed`,
        [
          ...[id, environment, before.secret_version],
          ...[addSeconds(now, previousValidForSeconds), sealed, now],
          audited({ endpointId: id, previousValidForSeconds }),
        ],
      );
      if (!row) throw new Problem('conflict', 'The secret is being changed by others too: try again.');
      return { ...toWebhookEndpoint(row, now), secret };
    },

    /** The secrets that sign now, the newest first. @throws VaultError */
    async openSecrets(row: SealedSecrets): Promise<string[]> {
      const current = vault.open(secretPlace(row, row.secret_version), row.secret);
      const { previous_secret: sealed, previous_secret_version: version, previous_secret_until: until } = row;
      if (sealed === null || version === null || until === null || until <= clock.now())
        return [await current];
      return Promise.all([current, vault.open(secretPlace(row, version), sealed)]);
    },
  };
};

/** What it takes to open an endpoint's secrets. */
export type SealedSecrets = Pick<
  EndpointRow,
  | 'id'
  | 'environment'
  | 'secret'
  | 'secret_version'
  | 'previous_secret'
  | 'previous_secret_version'
  | 'previous_secret_until'
>;

export type EndpointStore = ReturnType<typeof createEndpointStore>;
