import type { EventType } from '@authpipe/types';
import { insertConnectionEvent } from '../db/append-event.js';
import type { SqlValues } from './sql-values.js';

/** A change of one connection and its credential, told by at most one event of state. */
export interface StateChange {
  readonly connectionId: string;
  readonly now: Date;
  /** Id of the event, should there be one. */
  readonly eventId: string;
  /** Assignments to `credentials`. */
  readonly credential: readonly string[];
  /** Condition on `k`, the credential as it is: the fence that keeps a late writer out. */
  readonly fence: string;
  /** SQL of the new status and reason, in terms of the old `b.status` and `b.reason` and of `moved.refresh_failures`. */
  readonly status: string;
  readonly reason: string;
  /** More assignments to `connections`. */
  readonly connection?: readonly string[];
  /** Told first, whatever becomes of the state. */
  readonly also?: { readonly id: string; readonly type: EventType };
  /** Told when the state stays as it was; nothing is, when left out. */
  readonly unchanged?: EventType;
}

/**
 * One statement: locks the connection, writes the credential if the fence holds, writes the connection, tells of it.
 * Answers a row (`version`, `status`, `was`) when the fence held, none when it did not. Always in the order connection,
 * credential, so that two of them never wait for each other.
 */
export const stateChangeSql = ({ bind }: SqlValues, change: StateChange): string => {
  const now = bind(change.now, 'timestamptz');
  const also = change.also;
  return `
WITH b AS (
  SELECT id, status, reason FROM connections WHERE id = ${bind(change.connectionId)} FOR UPDATE
), moved AS (
  UPDATE credentials k SET ${change.credential.join(', ')}
  FROM b WHERE k.connection_id = b.id AND ${change.fence}
  RETURNING k.connection_id, k.version, k.refresh_failures
), next AS (
  SELECT b.id, b.status AS was, b.reason AS was_reason, ${change.status} AS status, ${change.reason} AS reason, moved.version
  FROM b JOIN moved ON moved.connection_id = b.id
), changed AS (
  UPDATE connections c SET ${[
    'status = next.status',
    'reason = next.reason',
    `since = CASE WHEN next.status = next.was AND next.reason IS NOT DISTINCT FROM next.was_reason THEN c.since ELSE ${now} END`,
    `updated_at = ${now}`,
    ...(change.connection ?? []),
  ].join(', ')}
  FROM next WHERE c.id = next.id
  RETURNING c.*, next.version, next.was, next.was_reason
), told AS (${insertConnectionEvent({
    id: 'e.id',
    type: 'e.type',
    time: now,
    from: `changed c, LATERAL (VALUES
      (1, ${bind(also?.id ?? null, 'text')}, ${bind(also?.type ?? null, 'text')}),
      (2, ${bind(change.eventId, 'text')}, CASE
        WHEN c.status = c.was AND c.reason IS NOT DISTINCT FROM c.was_reason THEN ${bind(change.unchanged ?? null, 'text')}
        WHEN c.status = 'needs_reconnect' THEN 'connection.needs_reconnect'
        WHEN c.status = 'degraded' THEN 'connection.degraded'
        WHEN c.status = 'healthy' AND c.was IN ('degraded', 'needs_reconnect') THEN 'connection.recovered'
        ELSE 'connection.updated' END)
    ) AS e (place, id, type) WHERE e.type IS NOT NULL ORDER BY e.place`,
  })}
)
SELECT version, status, was FROM changed`;
};

/** What `stateChangeSql` answers. */
export interface ChangedRow {
  readonly version: number;
  readonly status: string;
  readonly was: string;
}
