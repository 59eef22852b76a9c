import type { AuthpipeEvent } from '@authpipe/types';

/** An event that is about to be told: everything but what the append itself gives. */
export type NewEvent = Omit<AuthpipeEvent, 'id' | 'type' | 'time'>;

/** SQL expressions (placeholders such as `$4`) for the head of an event, and the rows that it is made from. */
export interface ConnectionEventSql {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  /** A JSON object that is told beside the connection; nothing, when left out. */
  readonly more?: string;
  /**
   * What follows `FROM`, with optional `WHERE`. It has to bring in `c`, rows with all columns of `connections` and one
   * more, `version`, of the credential.
   */
  readonly from: string;
}

/**
 * SQL that writes events into the outbox, for statements that change a connection and tell of it at once, so that both are
 * there or neither. The payload is what subscribers get, and never holds a secret.
 * `WITH changed AS (UPDATE … RETURNING …) INSERT INTO events …`. One row of `c` is one event, in the state that the
 * change left it in.
 */
export const insertConnectionEvent = ({ id, type, time, more, from }: ConnectionEventSql): string => `
  INSERT INTO events (id, type, environment, connection_id, tenant_id, payload, time)
  SELECT ${id}, ${type}, c.environment, c.id, c.tenant_id,
    jsonb_build_object(
      'environment', c.environment, 'connectionId', c.id, 'integration', c.integration_id,
      'provider', c.provider, 'tenantId', c.tenant_id, 'owner', c.owner, 'userId', nullif(c.user_id, ''),
      'label', c.label, 'version', c.version, 'status', c.status, 'reason', c.reason, 'metadata', c.metadata)
      || CASE WHEN c.failed_api IS NULL THEN '{}' ELSE jsonb_build_object('failedApi', c.failed_api) END${more === undefined ? '' : ` || ${more}`},
    ${time}
  FROM ${from}`;

/** What is told of an event that is about no connection; all SQL expressions. */
export interface ProductEventSql {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly environment: string;
  /** Where a tenant's own integration is meant. Default `NULL`. */
  readonly tenantId?: string;
  /** Default `NULL`, as are the three after it. */
  readonly integration?: string;
  readonly provider?: string;
  readonly status?: string;
  readonly reason?: string;
  /** A JSON object that is told beside them; nothing, when left out. */
  readonly more?: string;
  /** What follows `FROM`: one row is one event. */
  readonly from: string;
}

/** The same for what is about an integration, a provider or an endpoint: all that belongs to a connection is `null`. */
export const insertProductEvent = ({
  tenantId = 'NULL::text',
  integration = 'NULL',
  provider = 'NULL',
  status = 'NULL',
  reason = 'NULL',
  ...event
}: ProductEventSql): string => `
  INSERT INTO events (id, type, environment, connection_id, tenant_id, payload, time)
  SELECT ${event.id}, ${event.type}, ${event.environment}, NULL, ${tenantId},
    jsonb_build_object(
      'environment', ${event.environment}, 'connectionId', NULL, 'integration', ${integration}, 'provider', ${provider},
      'tenantId', ${tenantId}, 'owner', NULL, 'userId', NULL, 'label', NULL, 'version', NULL, 'status', ${status},
      'reason', ${reason}, 'metadata', '{}'::jsonb)${event.more === undefined ? '' : ` || ${event.more}`},
    ${event.time}
  FROM ${event.from}`;
