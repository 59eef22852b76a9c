import { insertProductEvent } from '../db/append-event.js';

/** Environments that can be told of one place: each by an event of its own. */
export const MOST_ENVIRONMENTS = 50;

/** What is told of a place; all but `atPlace` are SQL. */
export interface PlaceEventSql {
  readonly type: 'integration.degraded' | 'integration.recovered';
  readonly status: 'degraded' | 'healthy';
  readonly reason: string;
  /** `text[]` of ids, one for each environment. */
  readonly ids: string;
  readonly time: string;
  /** Condition on `k`, the credentials of the place. */
  readonly atPlace: string;
  /** A row, where there is something to tell, with optional `WHERE`. */
  readonly from: string;
}

/** `told AS (…)`: one event for each environment; the integration is named where there is only one. */
export const tellOfPlace = ({
  type,
  status,
  reason,
  ids,
  time,
  atPlace,
  from,
}: PlaceEventSql): string => `hit AS (
    SELECT c.environment, min(c.provider) AS provider,
      CASE WHEN count(DISTINCT c.integration_id) = 1 THEN min(c.integration_id) END AS integration,
      CASE WHEN count(DISTINCT i.tenant_id) = 1 THEN nullif(min(i.tenant_id), '') END AS tenant_id
    FROM credentials k JOIN connections c ON c.id = k.connection_id
    LEFT JOIN integrations i ON i.id = c.integration_row_id
    WHERE EXISTS (SELECT 1 FROM ${from}) AND ${atPlace} GROUP BY c.environment
  ), told AS (${insertProductEvent({
    id: `(${ids}::text[])[row_number() OVER ()]`,
    type: `'${type}'`,
    time: `${time}::timestamptz`,
    environment: 'environment',
    tenantId: 'tenant_id',
    integration: 'integration',
    provider: 'provider',
    status: `'${status}'`,
    reason,
    from: `hit LIMIT ${MOST_ENVIRONMENTS}`,
  })}
  )`;
