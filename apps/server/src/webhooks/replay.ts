import type { WebhookReplayRequest } from '@authpipe/types';
import type { Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import { Problem } from '../errors/problem.js';
import { audited, auditedSql } from './audited-endpoint.js';
import { noSuchEndpoint } from './endpoint-store.js';
import { fillLanes, LANE_OF_EVENT, replayLane, WANTS_EVENT } from './event-queue.js';

/** In line again, as if it had never been tried. */
const AFRESH = `lane = ${replayLane('lane')}, status = 'pending', attempts = 0, first_attempt_at = NULL, last_attempt_at = NULL,
  last_status = NULL, last_error = NULL`;

// The lock first: one that is being swept away is not found, rather than said to be in line.
const REPLAY_ONE = `WITH found AS (
    SELECT d.endpoint_id, d.event_id, e.environment FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id
    WHERE d.endpoint_id = $1 AND d.event_id = $2 FOR UPDATE OF d
  ), again AS (
    UPDATE webhook_deliveries d SET ${AFRESH} FROM found
    WHERE d.endpoint_id = found.endpoint_id AND d.event_id = found.event_id AND d.status <> 'pending'
    RETURNING d.endpoint_id, d.lane
  ), counts AS (SELECT endpoint_id, lane, 1 AS count FROM again
  ), filled AS (
    ${fillLanes('counts', '$3::timestamptz', { isNow: true })}
  ), hurried AS (
    UPDATE webhook_lanes l SET due_at = $3::timestamptz FROM webhook_deliveries d
    WHERE d.endpoint_id = $1 AND d.event_id = $2 AND d.status = 'pending'
      AND l.endpoint_id = d.endpoint_id AND l.key = d.lane
  ), ${auditedSql('webhook_endpoint.replayed', 'found', '$4', '$3')}
  SELECT count(*)::int AS queued FROM found`;

const REPLAY_RANGE = `WITH e AS (SELECT * FROM webhook_endpoints WHERE id = $1 FOR UPDATE
  ), made AS (
    INSERT INTO webhook_deliveries
      (endpoint_id, event_id, lane, position, type, connection_id, time, payload, status)
    SELECT e.id, v.id, ${replayLane(LANE_OF_EVENT)}, v.position, v.type, v.connection_id, v.time, v.payload, 'pending'
    FROM events v JOIN e ON ${WANTS_EVENT}
    WHERE v.time >= $2 AND v.time < $3 AND v.position <= e.queued_up_to
    ON CONFLICT (endpoint_id, event_id) DO NOTHING RETURNING endpoint_id, lane
  ), again AS (
    UPDATE webhook_deliveries SET ${AFRESH}
    WHERE endpoint_id = $1 AND time >= $2 AND time < $3
      AND (status = 'failed' OR status = 'delivered' AND NOT $4::boolean)
    RETURNING endpoint_id, lane
  ), counts AS (
    SELECT endpoint_id, lane, count(*)::int AS count FROM (SELECT * FROM made UNION ALL SELECT * FROM again) x
    GROUP BY endpoint_id, lane
  ), filled AS (
    ${fillLanes('counts', '$5::timestamptz', { isNow: true })}
  ), queued AS (SELECT coalesce(sum(count), 0)::int AS queued FROM counts
  ), ${auditedSql(
    'webhook_endpoint.replayed',
    'e',
    `jsonb_set($6::jsonb, '{details,queued}', (SELECT to_jsonb(queued) FROM queued))`,
    '$5',
  )}
  SELECT queued FROM queued`;

const endsBeforeItBegins = (): Problem =>
  new Problem('invalid_request', 'The range has no time in it, since until is before since: exchange them.', {
    errors: [{ pointer: '/until', detail: 'is before since' }],
  });

/** Sends what was sent before once more. It has no vault: the command line uses it too. */
export const createReplay = ({ db, clock }: { readonly db: Database; readonly clock: Clock }) => {
  /** @throws Problem `not_found`, `conflict` */
  const requireEnabled = async (endpointId: string, environment: string | null): Promise<void> => {
    const [row] = await db.query<{ enabled: boolean }>(
      'webhook_replay_endpoint',
      'SELECT enabled FROM webhook_endpoints WHERE id = $1 AND environment = coalesce($2, environment)',
      [endpointId, environment],
    );
    if (!row) throw noSuchEndpoint();
    if (row.enabled) return;
    throw new Problem(
      'conflict',
      'The webhook endpoint is disabled: enable it first, which also sends what is still in line.',
    );
  };

  return {
    /**
     * Puts one delivery in line again, apart from what happens now; one that waits for its next attempt is made now.
     * @param environment `null`: whichever it is in
     * @throws Problem `not_found`, `conflict` when the endpoint is disabled
     */
    async replayDelivery(endpointId: string, environment: string | null, eventId: string): Promise<number> {
      await requireEnabled(endpointId, environment);
      const [row] = await db.query<{ queued: number }>('webhook_replay_one', REPLAY_ONE, [
        endpointId,
        eventId,
        clock.now(),
        audited({ endpointId, eventId, queued: 1 }),
      ]);
      if (row?.queued === 1) return 1;
      throw new Problem(
        'not_found',
        'The webhook endpoint has no delivery of that event: GET its deliveries, or replay a range of time.',
      );
    },

    /**
     * Puts the events of a range of time in line, those of one connection in their order: those that were delivered,
     * those that were given up, and those of the outbox that the endpoint was never sent. How many there are.
     * @throws Problem `invalid_request`, `not_found`, `conflict` when the endpoint is disabled
     */
    async replayRange(
      endpointId: string,
      environment: string | null,
      { since, until, onlyUndelivered = false }: WebhookReplayRequest,
    ): Promise<number> {
      const now = clock.now();
      const from = new Date(since);
      const to = until === undefined ? now : new Date(until);
      if (until !== undefined && from > to) throw endsBeforeItBegins();
      await requireEnabled(endpointId, environment);
      const range = { since: from.toISOString(), until: to.toISOString(), onlyUndelivered };
      const [row] = await db.query<{ queued: number }>(
        'webhook_replay_range',
        REPLAY_RANGE,
        [endpointId, from, to, onlyUndelivered, now, audited({ endpointId, ...range })],
        { mayTakeLong: true },
      );
      return row?.queued ?? 0;
    },
  };
};

export type Replay = ReturnType<typeof createReplay>;
