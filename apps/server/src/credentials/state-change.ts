import type { AuditAction, EventType } from '@authpipe/types';
import { type AuditContent, insertAudit } from '../db/append-audit.js';
import { insertConnectionEvent } from '../db/append-event.js';
import type { SqlValues } from './sql-values.js';

/** One connection that is changed, with its own values under the names of `StateChange.columns`. */
export interface ChangedConnection {
  readonly id: string;
  /** Id of the event, should there be one. */
  readonly event: string;
  /** Id of the event that is told first, where `also` names one. */
  readonly also?: string;
  /** Who causes the change, where `StateChange.audit` says that it is audited. */
  readonly audit?: AuditContent;
  readonly [column: string]: unknown;
}

/** A change of connections and their credentials, each told by at most one event of state. */
export interface StateChange {
  readonly connections: readonly ChangedConnection[];
  /** Types of the connections' own values, which all expressions know as `g.name`: `version int, scopes text[]`. */
  readonly columns?: string;
  readonly now: Date;
  /** Assignments to `credentials`. */
  readonly credential: readonly string[];
  /** Condition on `k`, the credential as it is: the fence that keeps a late writer out. */
  readonly fence: string;
  /** SQL of the new status and reason, in terms of the old `b.status`, `b.reason`, `b.scopes`, `b.lost_scopes`, `b.failed_api` and of `moved.refresh_failures`, `moved.suspected_reason`. */
  readonly status: string;
  readonly reason: string;
  /** The API that a bad state is about, if it is about one. */
  readonly failedApi?: string | null;
  /** More assignments to `connections`. */
  readonly connection?: readonly string[];
  /** Told first, whatever becomes of the state. */
  readonly also?: EventType;
  /** SQL of a JSON object, in terms of `g`: what that event tells beside the connection. */
  readonly alsoPayload?: string;
  /** Audited, when given. */
  readonly audit?: {
    readonly action: AuditAction;
    /** SQL of the result, in terms of `c`, the connection as it is now, and `c.was`. Default: `ok`. */
    readonly result?: string;
    /** SQL condition on the same. Default: always. */
    readonly when?: string;
  };
  /** Told when the state stays as it was; nothing is, when left out. */
  readonly unchanged?: EventType;
}

/**
 * One statement: locks the connections, writes the credentials whose fence holds, writes the connections, tells of it.
 * Answers a row (`id`, `version`, `status`, `was`) where the fence held, none where it did not. Always in the order
 * connections by their ids, then credentials, so that two of them never wait for each other.
 */
export const stateChangeSql = ({ bind }: SqlValues, change: StateChange): string => {
  const now = bind(change.now, 'timestamptz');
  const columns = [
    'id text',
    'event text',
    'also text',
    'audit jsonb',
    ...(change.columns ? [change.columns] : []),
  ];
  return `
WITH given AS (
  SELECT * FROM jsonb_to_recordset(${bind(change.connections, 'jsonb')}) AS g (${columns.join(', ')})
), b AS (
  SELECT c.id, c.status, c.reason, c.scopes, coalesce(c.lost_scopes, '{}') AS lost_scopes, c.failed_api
  FROM given g JOIN connections c ON c.id = g.id ORDER BY c.id FOR UPDATE OF c
), moved AS (
  UPDATE credentials k SET ${change.credential.join(', ')}
  FROM b JOIN given g ON g.id = b.id WHERE k.connection_id = b.id AND ${change.fence}
  RETURNING k.connection_id, k.version, k.refresh_failures, k.suspected_reason
), next AS (
  SELECT b.id, b.status AS was, b.reason AS was_reason, ${change.status} AS status, ${change.reason} AS reason, b.failed_api, moved.version
  FROM b JOIN moved ON moved.connection_id = b.id JOIN given g ON g.id = b.id
), changed AS (
  UPDATE connections c SET ${[
    'status = next.status',
    'reason = next.reason',
    `since = CASE WHEN next.status = next.was AND next.reason IS NOT DISTINCT FROM next.was_reason THEN c.since ELSE ${now} END`,
    `updated_at = ${now}`,
    `failed_api = CASE WHEN next.reason IS NOT NULL THEN coalesce(${bind(change.failedApi ?? null, 'text')},
      CASE WHEN next.reason = next.was_reason THEN next.failed_api END) END`,
    ...(change.connection ?? []),
  ].join(', ')}
  FROM next JOIN given g ON g.id = next.id WHERE c.id = next.id
  RETURNING c.*, next.version, next.was, next.was_reason, g.event, g.also, g.audit, ${change.alsoPayload ?? `'{}'::jsonb`} AS also_payload
), told AS (${insertConnectionEvent({
    id: 'e.id',
    type: 'e.type',
    time: now,
    more: 'e.more',
    from: `changed c, LATERAL (VALUES
      (1, c.also, c.also_payload, ${bind(change.also ?? null, 'text')}),
      (2, c.event, '{}'::jsonb, CASE
        WHEN c.status = c.was AND c.reason IS NOT DISTINCT FROM c.was_reason THEN ${bind(change.unchanged ?? null, 'text')}
        WHEN c.status = 'needs_reconnect' THEN 'connection.needs_reconnect'
        WHEN c.status = 'degraded' THEN 'connection.degraded'
        WHEN c.status = 'healthy' AND c.was IN ('degraded', 'needs_reconnect') THEN 'connection.recovered'
        ELSE 'connection.updated' END)
    ) AS e (place, id, more, type) WHERE e.type IS NOT NULL ORDER BY e.place`,
  })}
)${change.audit ? auditedSql(change.audit, now) : ''}
SELECT id, version, status, was, environment, tenant_id AS "tenantId",
  (status <> was OR reason IS DISTINCT FROM was_reason) AS "isNews" FROM changed`;
};

const auditedSql = (
  { action, result = "'ok'", when = 'true' }: NonNullable<StateChange['audit']>,
  now: string,
): string => `, audited AS (${insertAudit({
  environment: 'c.environment',
  tenantId: 'c.tenant_id',
  connectionId: 'c.id',
  action: `'${action}'`,
  time: now,
  content: `c.audit || jsonb_build_object('result', ${result}, 'details', (c.audit->'details') || jsonb_build_object(
    'version', c.version, 'status', c.status, 'reason', c.reason))`,
  from: `changed c WHERE ${when}`,
})}
)`;

/** What `stateChangeSql` answers. */
export interface ChangedRow {
  readonly id: string;
  readonly version: number;
  readonly status: string;
  readonly was: string;
  readonly environment: string;
  readonly tenantId: string;
  /** Whether the state is another one than before. */
  readonly isNews: boolean;
}
