import { insertProductEvent } from '../db/append-event.js';

/** SQL expressions (placeholders such as `$4`) for the head of an event, and the rows that it is made from. */
export interface IntegrationEventSql {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  /** What follows `FROM`, with optional `WHERE`. It has to bring in `i`, rows with all columns of `integrations`. */
  readonly from: string;
}

/**
 * SQL that tells of integrations, for statements that change them: `WITH changed AS (UPDATE … RETURNING …), told AS (…)`.
 * One row of `i` is one event, in the state that the change left it in. Whatever is about a connection is `null`.
 */
export const insertIntegrationEvent = (event: IntegrationEventSql): string =>
  insertProductEvent({
    ...event,
    environment: 'i.environment',
    tenantId: "nullif(i.tenant_id, '')",
    integration: 'i.integration_id',
    provider: 'i.provider',
    status: 'i.status',
    reason: 'i.reason',
  });
