import type { AuthpipeEvent } from '@authpipe/types';
import type { Prisma } from './generated/client.js';

/** An event that is about to be told: everything but what the append itself gives. */
export type NewEvent = Omit<AuthpipeEvent, 'id' | 'type' | 'time'>;

/** Identity, kind and time of an event. */
export interface EventHead {
  /** `evt_…`, by `newId('evt', randomness)`. */
  readonly id: string;
  readonly type: AuthpipeEvent['type'];
  readonly time: Date;
}

/**
 * Writes an event into the outbox, inside the transaction of the change it tells of: either both are there or neither.
 * The payload is what subscribers get, so it never holds a secret.
 */
export const appendEvent = async (
  tx: Pick<Prisma.TransactionClient, 'event'>,
  { id, type, time }: EventHead,
  payload: NewEvent,
): Promise<void> => {
  const { environment, connectionId, tenantId } = payload;
  await tx.event.create({ data: { id, type, environment, connectionId, tenantId, payload, time } });
};

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
 * The same as SQL, for statements that change a connection and tell of it at once:
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
