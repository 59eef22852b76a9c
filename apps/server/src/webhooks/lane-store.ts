import type { AuthpipeEvent, WebhookDeliveryFault, WebhookDisabledReason } from '@authpipe/types';
import { asTask } from '../actor.js';
import { addSeconds, type Clock } from '../clock.js';
import { insertProductEvent, type NewEvent } from '../db/append-event.js';
import type { Database } from '../db/database.js';
import { isLeaseFreeSql, type Nodes } from '../db/nodes.js';
import { newId, type Randomness } from '../randomness.js';
import { audited, auditedSql } from './audited-endpoint.js';
import type { SealedSecrets } from './endpoint-store.js';
import { DOWN_AFTER_FAILURES } from './retry-delay.js';

/** Longer than one attempt may take; counted anew before each. */
const LEASE_SECONDS = 60;
/** Connections whose events are sent to one endpoint at the same time, by one server. */
export const LANES_AT_ONCE = 8;

/** Leave to send the events of one connection to one endpoint. */
export interface LaneClaim {
  readonly endpointId: string;
  readonly key: string;
  readonly leaseNumber: number;
}

/** What is to be sent next in a lane, and where to. */
export interface NextDelivery {
  readonly event: AuthpipeEvent;
  readonly firstAttemptAt: Date | null;
  readonly endpoint: SealedSecrets & {
    readonly url: string;
    readonly enabledAt: Date;
    /** Attempts in a row that failed. */
    readonly failures: number;
  };
  /** The same, in this lane. */
  readonly laneFailures: number;
}

/** What came of an attempt. */
export interface Attempt {
  readonly status: number | null;
  /** `null`: it was accepted. */
  readonly fault: WebhookDeliveryFault | null;
}

interface NextRow extends SealedSecrets {
  readonly url: string;
  readonly enabled_at: Date;
  readonly failures: number;
  readonly lane_failures: number;
  readonly event_id: string;
  readonly type: AuthpipeEvent['type'];
  readonly time: Date;
  readonly payload: NewEvent;
  readonly first_attempt_at: Date | null;
}

/** A lane `k` that can be claimed. */
const IS_DUE = `k.due_at <= $1 AND ${isLeaseFreeSql({ now: '$1', aliveSince: '$2' })}`;

// One that is down is tried by one request at a time over all servers: whoever claims it moves its next trial on.
const CLAIM = `WITH trial AS (
    UPDATE webhook_endpoints SET retry_at = $4::timestamptz WHERE id = ANY (ARRAY(
      SELECT e.id FROM webhook_endpoints e
      WHERE e.enabled AND e.failures >= ${DOWN_AFTER_FAILURES} AND (e.retry_at IS NULL OR e.retry_at <= $1)
        AND EXISTS (SELECT 1 FROM webhook_lanes k WHERE k.endpoint_id = e.id AND ${IS_DUE})
      FOR UPDATE SKIP LOCKED))
    RETURNING id
  ), open AS (
    SELECT id, 1 AS free FROM trial
    UNION ALL SELECT e.id, ${LANES_AT_ONCE} - coalesce(busy.count, 0)
    FROM webhook_endpoints e LEFT JOIN unnest($5::text[], $6::int[]) AS busy (id, count) ON busy.id = e.id
    WHERE e.enabled AND e.failures < ${DOWN_AFTER_FAILURES} AND (e.retry_at IS NULL OR e.retry_at <= $1)
  ), due AS (
    SELECT d.endpoint_id, d.key FROM open CROSS JOIN LATERAL (
      SELECT k.endpoint_id, k.key FROM webhook_lanes k
      WHERE k.endpoint_id = open.id AND ${IS_DUE}
      ORDER BY k.due_at LIMIT greatest(open.free, 0) FOR UPDATE SKIP LOCKED) d
  )
  UPDATE webhook_lanes l SET lease_owner = $3, lease_until = $4, lease_number = l.lease_number + 1
  FROM due WHERE l.endpoint_id = due.endpoint_id AND l.key = due.key
  RETURNING l.endpoint_id AS "endpointId", l.key, l.lease_number AS "leaseNumber"`;

const NEXT = `WITH held AS (
    UPDATE webhook_lanes SET lease_until = $4 WHERE endpoint_id = $1 AND key = $2 AND lease_number = $3
    RETURNING endpoint_id, key, failures
  )
  SELECT e.id, e.environment, e.url, e.enabled_at, e.failures, e.secret, e.secret_version, e.previous_secret,
    e.previous_secret_version, e.previous_secret_until, held.failures AS lane_failures, d.*
  FROM held JOIN webhook_endpoints e ON e.id = held.endpoint_id AND e.enabled
  CROSS JOIN LATERAL (
    SELECT event_id, type, time, payload, first_attempt_at FROM webhook_deliveries
    WHERE endpoint_id = held.endpoint_id AND lane = held.key AND status = 'pending'
    ORDER BY position LIMIT 1) d`;

/** Notes an attempt at a delivery that is not over. $3: its new status. */
const ATTEMPTED = `UPDATE webhook_deliveries SET status = $3::text, attempts = attempts + 1,
    first_attempt_at = coalesce(first_attempt_at, $4::timestamptz), last_attempt_at = $4::timestamptz,
    last_status = $5::int, last_error = $6::text
  WHERE endpoint_id = $1 AND event_id = $2 AND status = 'pending' RETURNING lane`;

const OVER = `WITH over AS (${ATTEMPTED}), counted AS (
    UPDATE webhook_lanes l SET pending = l.pending - 1, failures = 0
    FROM over WHERE l.endpoint_id = $1 AND l.key = over.lane)
  SELECT failing_since IS NOT NULL AS "wasFailing" FROM webhook_endpoints WHERE id = $1`;

// What the receiver asked for outlives a recovery, as a lease that nobody holds: it keeps nobody out.
const AGAIN = `WITH again AS (${ATTEMPTED})
  UPDATE webhook_lanes SET failures = failures + 1, due_at = $8, lease_owner = NULL, lease_until = $10
  WHERE endpoint_id = $1 AND key = $7 AND lease_number = $9`;

const FREE = `UPDATE webhook_lanes SET lease_owner = NULL, lease_until = NULL,
    due_at = CASE WHEN pending > 0 THEN $4::timestamptz END
  WHERE endpoint_id = $1 AND key = $2 AND lease_number = $3`;

const HEAL = `WITH healed AS (
    UPDATE webhook_endpoints e SET failures = 0, failing_since = NULL, retry_at = NULL
    FROM (SELECT id, failures FROM webhook_endpoints WHERE id = $1 FOR UPDATE) before
    WHERE e.id = before.id AND e.failing_since IS NOT NULL RETURNING e.id, before.failures
  )
  UPDATE webhook_lanes l SET due_at = late.due_at FROM (
    SELECT k.endpoint_id, k.key,
      least(k.due_at, greatest($2, CASE WHEN k.lease_owner IS NULL THEN k.lease_until END)) AS due_at
    FROM webhook_lanes k JOIN healed ON healed.id = k.endpoint_id
    WHERE healed.failures >= ${DOWN_AFTER_FAILURES} AND k.due_at > $2 ORDER BY k.key FOR UPDATE OF k) late
  WHERE l.endpoint_id = late.endpoint_id AND l.key = late.key`;

const DISABLE = `WITH off AS (
    UPDATE webhook_endpoints SET enabled = false, disabled_reason = $2, disabled_at = $3::timestamptz, updated_at = $3::timestamptz,
      retry_at = NULL
    WHERE id = $1 AND enabled AND enabled_at = $6 RETURNING id, environment
  ), ${auditedSql('webhook_endpoint.disabled', 'off', '$5', '$3')}
  ${insertProductEvent({
    id: '$4',
    type: "'webhook_endpoint.disabled'",
    time: '$3::timestamptz',
    environment: 'environment',
    more: "jsonb_build_object('webhookEndpoint', jsonb_build_object('id', id, 'reason', $2::text))",
    from: 'off RETURNING id',
  })}`;

/** Lanes and what is sent along them, for one server. A lane is held by lease, like a credential that is refreshed. */
export const createLaneStore = ({
  db,
  clock,
  randomness,
  nodes,
}: {
  readonly db: Database;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly nodes: Pick<Nodes, 'id' | 'aliveSince'>;
}) => {
  const leaseEnd = (): Date => addSeconds(clock.now(), LEASE_SECONDS);

  return {
    /** Claims lanes that are due, most overdue first, as many as each endpoint has places left here. */
    claimLanes(busy: ReadonlyMap<string, number>): Promise<LaneClaim[]> {
      return db.query<LaneClaim>('webhook_claim', CLAIM, [
        ...[clock.now(), nodes.aliveSince(), nodes.id, leaseEnd()],
        ...[[...busy.keys()], [...busy.values()]],
      ]);
    },

    /** What is next in a lane; `null` where nothing is, the endpoint is disabled, or the lease was lost. */
    async nextDelivery({ endpointId, key, leaseNumber }: LaneClaim): Promise<NextDelivery | null> {
      const [row] = await db.query<NextRow>('webhook_next', NEXT, [endpointId, key, leaseNumber, leaseEnd()]);
      if (!row) return null;
      const { event_id: id, type, time, payload } = row;
      return {
        event: { id, type, time: time.toISOString(), ...payload },
        firstAttemptAt: row.first_attempt_at,
        endpoint: { ...row, enabledAt: row.enabled_at },
        laneFailures: row.lane_failures,
      };
    },

    /** A delivery is over: it arrived, or is given up. The lane is still held. Whether the endpoint has failed before. */
    async endDelivery(
      { endpointId }: LaneClaim,
      eventId: string,
      status: 'delivered' | 'failed',
      attempt: Attempt,
    ): Promise<boolean> {
      const [row] = await db.query<{ wasFailing: boolean }>('webhook_over', OVER, [
        ...[endpointId, eventId, status, clock.now()],
        ...[attempt.status, attempt.fault],
      ]);
      return row?.wasFailing ?? false;
    },

    /** A delivery is to be tried again at `retryAt`, and whatever happens not before `notBefore`. Gives the lane back. */
    async retryDelivery(
      { endpointId, key, leaseNumber }: LaneClaim,
      eventId: string,
      attempt: Attempt,
      { retryAt, notBefore }: { readonly retryAt: Date; readonly notBefore: Date },
    ): Promise<void> {
      await db.query('webhook_again', AGAIN, [
        ...[endpointId, eventId, 'pending', clock.now(), attempt.status, attempt.fault],
        ...[key, retryAt, leaseNumber, notBefore],
      ]);
    },

    /** Gives a lane back: due at once where something is left. */
    async releaseLane({ endpointId, key, leaseNumber }: LaneClaim): Promise<void> {
      await db.query('webhook_free', FREE, [endpointId, key, leaseNumber, clock.now()]);
    },

    /**
     * An attempt at an endpoint failed. Since when all have, and how many; `null` when it is gone, or was given another
     * URL or enabled again after `enabledAt`: what the attempt met is not what it is now.
     */
    async noteFailure(
      endpointId: string,
      enabledAt: Date,
      retryAt: Date | null,
    ): Promise<{ readonly failingSince: Date; readonly failures: number } | null> {
      const [row] = await db.query<{ failingSince: Date; failures: number }>(
        'webhook_failure',
        `UPDATE webhook_endpoints SET failures = failures + 1, retry_at = $3,
           failing_since = coalesce(failing_since, $2) WHERE id = $1 AND enabled_at = $4
         RETURNING failing_since AS "failingSince", failures`,
        [endpointId, clock.now(), retryAt, enabledAt],
      );
      return row ?? null;
    },

    /** A delivery was given up. Where nothing else waits, its failures say nothing of the endpoint any more. */
    async noteGivenUp(endpointId: string): Promise<void> {
      await db.query(
        'webhook_given_up',
        `UPDATE webhook_endpoints e SET failures = 0, failing_since = NULL, retry_at = NULL WHERE id = $1
           AND NOT EXISTS (SELECT 1 FROM webhook_lanes l WHERE l.endpoint_id = e.id AND l.pending > 0)`,
        [endpointId],
      );
    },

    /**
     * An endpoint that failed accepts again. Where it was down, all that waits for it is due at once, but for what the
     * receiver asked to be sent later.
     */
    async noteRecovery(endpointId: string): Promise<void> {
      await db.query('webhook_recovery', HEAL, [endpointId, clock.now()]);
    },

    /** Disables an endpoint, if it is enabled since `enabledAt`, tells of it and audits it. Whether it was this call that did. */
    async disableEndpoint(
      endpointId: string,
      enabledAt: Date,
      reason: WebhookDisabledReason,
    ): Promise<boolean> {
      // Whoever woke the server, it is not they who disable.
      const audit = asTask('webhooks.send', () => audited({ endpointId, reason }));
      const values = [endpointId, reason, clock.now(), newId('evt', randomness), audit, enabledAt];
      return (await db.query('webhook_disable', DISABLE, values)).length > 0;
    },
  };
};

export type LaneStore = ReturnType<typeof createLaneStore>;
