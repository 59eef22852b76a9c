import type { WebhookDelivery, WebhookDeliveryPage, WebhookDeliveryStatus } from '@authpipe/types';
import { addSeconds, type Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import { Problem } from '../errors/problem.js';

/** A week, as long as the outbox keeps events of state: what arrived, or was given up, can be replayed so long. */
const KEPT_SECONDS = 7 * 86_400;
/** Two weeks: what a disabled endpoint did not get can be sent so long, once it is enabled again. */
const WAITING_KEPT_SECONDS = 14 * 86_400;
/** Rows that one statement sweeps. */
const SWEPT_AT_ONCE = 5_000;

interface DeliveryRow extends Omit<WebhookDelivery, 'time' | 'lastAttemptAt'> {
  readonly position: number;
  readonly time: Date;
  readonly lastAttemptAt: Date | null;
}

const LIST = `SELECT event_id AS "eventId", position, type, connection_id AS "connectionId", time, status, attempts,
    last_attempt_at AS "lastAttemptAt", last_status AS "lastStatus", last_error AS "lastError"
  FROM webhook_deliveries WHERE endpoint_id = $1 AND position < $2 AND status = coalesce($3, status)
  ORDER BY position DESC LIMIT $4`;

// What an endpoint that is enabled still has to be sent is never swept: its own three days end it. The lock looks at each
// row as it is by then: one that a replay has put in line meanwhile stays.
const SWEEP = `WITH gone AS (
    DELETE FROM webhook_deliveries WHERE (endpoint_id, event_id) IN (
      SELECT d.endpoint_id, d.event_id FROM webhook_deliveries d
      JOIN webhook_endpoints e ON e.id = d.endpoint_id
      WHERE d.status <> 'pending' AND d.time < $1 OR d.status = 'pending' AND d.time < $2 AND NOT e.enabled
      LIMIT ${SWEPT_AT_ONCE} FOR UPDATE OF d SKIP LOCKED)
    RETURNING endpoint_id, lane, status
  ), fewer AS (
    UPDATE webhook_lanes l SET pending = l.pending - f.count
    FROM (SELECT endpoint_id, lane, count(*)::int AS count FROM gone WHERE status = 'pending'
      GROUP BY endpoint_id, lane) f
    WHERE l.endpoint_id = f.endpoint_id AND l.key = f.lane
  )
  SELECT count(*)::int AS count FROM gone`;

const MAX_POSITION = Number.MAX_SAFE_INTEGER;

const positionOf = (cursor: string | undefined): number => {
  if (cursor === undefined) return MAX_POSITION;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new Problem('invalid_request', 'The cursor is not valid: use nextCursor of the last page as it is.', {
    errors: [{ pointer: '/cursor', detail: 'is not a cursor of this list' }],
  });
};

/** Deliveries as people look at them, and their end. */
export const createDeliveryList = ({ db, clock }: { readonly db: Database; readonly clock: Clock }) => ({
  /** The deliveries of an endpoint, newest event first. */
  async listDeliveries(
    endpointId: string,
    {
      status,
      cursor,
      limit,
    }: {
      readonly status?: WebhookDeliveryStatus | undefined;
      readonly cursor?: string | undefined;
      readonly limit: number;
    },
  ): Promise<WebhookDeliveryPage> {
    const rows = await db.query<DeliveryRow>('webhook_deliveries', LIST, [
      endpointId,
      positionOf(cursor),
      status ?? null,
      limit + 1,
    ]);
    const page = rows.slice(0, limit);
    return {
      data: page.map(({ position: _, time, lastAttemptAt, ...delivery }) => ({
        ...delivery,
        time: time.toISOString(),
        lastAttemptAt: lastAttemptAt?.toISOString() ?? null,
      })),
      nextCursor: rows.length > limit ? String(page.at(-1)?.position) : null,
    };
  },

  /** Forgets deliveries that are over for a week, those that a disabled endpoint never got after two, and empty lanes. */
  async sweepDeliveries(now: Date = clock.now()): Promise<void> {
    const values = [addSeconds(now, -KEPT_SECONDS), addSeconds(now, -WAITING_KEPT_SECONDS)];
    let swept: number;
    do {
      const [row] = await db.query<{ count: number }>('webhook_sweep', SWEEP, values);
      swept = row?.count ?? 0;
    } while (swept === SWEPT_AT_ONCE);
    await db.query(
      'webhook_sweep_lanes',
      'DELETE FROM webhook_lanes WHERE pending = 0 AND due_at IS NULL AND lease_owner IS NULL',
      [],
    );
  },
});

export type DeliveryList = ReturnType<typeof createDeliveryList>;
