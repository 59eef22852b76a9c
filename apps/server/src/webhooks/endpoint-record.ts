import type { EventType, WebhookDisabledReason, WebhookEndpoint } from '@authpipe/types';
import type { SecretPlace } from '../vault/vault.js';

/** A row of `webhook_endpoints`, its secrets sealed. */
export interface EndpointRow {
  readonly id: string;
  readonly environment: string;
  readonly url: string;
  readonly description: string;
  readonly event_types: EventType[];
  readonly enabled: boolean;
  readonly disabled_reason: WebhookDisabledReason | null;
  readonly disabled_at: Date | null;
  readonly secret: Uint8Array;
  readonly secret_version: number;
  readonly previous_secret: Uint8Array | null;
  readonly previous_secret_version: number | null;
  readonly previous_secret_until: Date | null;
  readonly failing_since: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** The columns of an `EndpointRow`. */
export const ENDPOINT_COLUMNS = `id, environment, url, description, event_types, enabled, disabled_reason, disabled_at,
  secret, secret_version, previous_secret, previous_secret_version, previous_secret_until, failing_since,
  created_at, updated_at`;

/** Where an endpoint's secret belongs. It is the product's: no tenant's key seals it. */
export const secretPlace = (
  { id, environment }: Pick<EndpointRow, 'id' | 'environment'>,
  version: number,
): SecretPlace => ({ environment, tenantId: '', record: id, field: 'webhook_secret', version });

/** The endpoint as callers see it. Field by field: nothing sealed goes along. */
export const toWebhookEndpoint = (row: EndpointRow, now: Date): WebhookEndpoint => {
  const { previous_secret_until: until } = row;
  return {
    id: row.id,
    environment: row.environment,
    url: row.url,
    description: row.description,
    eventTypes: row.event_types,
    enabled: row.enabled,
    disabledReason: row.disabled_reason,
    disabledAt: row.disabled_at?.toISOString() ?? null,
    failingSince: row.failing_since?.toISOString() ?? null,
    previousSecretUntil: until !== null && until > now ? until.toISOString() : null,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
};
