import type { Database } from '../db/database.js';

/** Events that one statement queues for one endpoint. */
const QUEUED_AT_ONCE = 500;

/** SQL: what keeps the order of an event `v`: its connection, or its integration where it is about none. */
export const LANE_OF_EVENT = `coalesce(v.connection_id, v.payload->>'integration', '')`;

/**
 * SQL: the line of its own that replays of a lane are in. An event of long ago that is refused once more does not hold up
 * what happens now.
 */
export const replayLane = (lane: string): string =>
  `CASE WHEN ${lane} LIKE 'replay:%' THEN ${lane} ELSE 'replay:' || ${lane} END`;

/** SQL: whether the endpoint `e` wants the event `v`. */
export const WANTS_EVENT = `v.environment = e.environment
  AND (cardinality(e.event_types) = 0 OR v.type = ANY (e.event_types))`;

/**
 * SQL that puts more deliveries in line: `counts` names rows of `endpoint_id`, `lane` and `count`. A lane that waits for
 * its next attempt goes on waiting, unless `isNow`.
 */
export const fillLanes = (counts: string, now: string, { isNow }: { readonly isNow: boolean }): string => `
  INSERT INTO webhook_lanes AS l (endpoint_id, key, pending, due_at)
  SELECT endpoint_id, lane, count, ${now} FROM ${counts} ORDER BY endpoint_id, lane
  ON CONFLICT (endpoint_id, key) DO UPDATE SET pending = l.pending + excluded.pending,
    due_at = ${isNow ? 'excluded.due_at' : 'coalesce(l.due_at, excluded.due_at)'}`;

const TOP = `SELECT CASE WHEN EXISTS (SELECT 1 FROM webhook_endpoints WHERE enabled OR $1::boolean)
  THEN number_events() END AS top`;

// Two servers may do this at once: the second waits for the endpoints' rows, and finds them moved.
const QUEUE = `WITH e AS (
    SELECT id, environment, event_types, queued_up_to FROM webhook_endpoints
    WHERE (enabled OR $3::boolean) AND queued_up_to < $1 ORDER BY id FOR UPDATE
  ), batch AS (
    SELECT e.id AS endpoint_id, v.* FROM e CROSS JOIN LATERAL (
      SELECT * FROM events WHERE position > e.queued_up_to AND position <= $1
      ORDER BY position LIMIT ${QUEUED_AT_ONCE}) v
  ), made AS (
    INSERT INTO webhook_deliveries
      (endpoint_id, event_id, lane, position, type, connection_id, time, payload, status)
    SELECT e.id, v.id, ${LANE_OF_EVENT}, v.position, v.type, v.connection_id, v.time, v.payload, 'pending'
    FROM batch v JOIN e ON e.id = v.endpoint_id WHERE ${WANTS_EVENT}
    ON CONFLICT (endpoint_id, event_id) DO NOTHING RETURNING endpoint_id, lane
  ), counts AS (
    SELECT endpoint_id, lane, count(*)::int AS count FROM made GROUP BY endpoint_id, lane
  ), filled AS (
    ${fillLanes('counts', '$2::timestamptz', { isNow: false })}
  ), seen AS (
    SELECT e.id, count(b.position) = ${QUEUED_AT_ONCE} AS is_short, max(b.position) AS last
    FROM e LEFT JOIN batch b ON b.endpoint_id = e.id GROUP BY e.id
  ), moved AS (
    UPDATE webhook_endpoints t SET queued_up_to = CASE WHEN seen.is_short THEN seen.last ELSE $1 END
    FROM seen WHERE t.id = seen.id
  )
  SELECT coalesce(bool_or(is_short), false) AS "isShort" FROM seen`;

/** SQL: whether an endpoint that is disabled is so because it failed; not by a person, and not in a copy of its deployment. */
const IS_GIVEN_UP = `(disabled_reason IS NOT NULL AND disabled_reason <> 'deployment_copied')`;

// A replay is of long ago, and no sign that the endpoint is behind.
const LAG = `WITH waiting AS (
    SELECT d.time, d.lane FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id
    WHERE d.status = 'pending' AND e.enabled
  ), unqueued AS (
    SELECT time FROM events
    WHERE position > (SELECT min(queued_up_to) FROM webhook_endpoints WHERE enabled) ORDER BY position LIMIT 1
  )
  SELECT least((SELECT min(time) FROM waiting WHERE lane NOT LIKE 'replay:%'), (SELECT time FROM unqueued)) AS oldest,
    (SELECT count(*) FROM waiting)::int AS pending,
    e.* FROM (SELECT count(*) FILTER (WHERE enabled)::int AS enabled,
      count(*) FILTER (WHERE NOT enabled AND NOT ${IS_GIVEN_UP})::int AS paused,
      count(*) FILTER (WHERE NOT enabled AND ${IS_GIVEN_UP})::int AS "givenUp"
      FROM webhook_endpoints) e`;

/** What waits to be sent, over all endpoints that are enabled. */
export interface WebhookBacklog {
  /** Time of the oldest event that was not delivered yet, but for replays; `null` where there is none. */
  readonly oldest: Date | null;
  /** Deliveries that are in line, replays too. */
  readonly pending: number;
  /** How many endpoints there are of each kind. */
  readonly enabled: number;
  /** Disabled by a person, or in a copy of the deployment that it is of. */
  readonly paused: number;
  /** Disabled because it failed. */
  readonly givenUp: number;
}

/** Takes events from the outbox into the lanes of those who want them. */
export const createEventQueue = ({ db }: { readonly db: Database }) => ({
  /**
   * Queues all that was committed until now, due at once. Whether there is anybody to send to.
   * Any number of servers may do this at once: each event is queued once.
   * @param alsoDisabled before the outbox forgets: what a disabled endpoint is to be told waits for it. Default false.
   */
  async queueEvents(now: Date, alsoDisabled = false): Promise<boolean> {
    const [row] = await db.query<{ top: number | null }>('webhook_top', TOP, [alsoDisabled]);
    const top = row?.top ?? null;
    if (top === null) return false;
    let isShort = true;
    while (isShort) {
      const [queued] = await db.query<{ isShort: boolean }>('webhook_queue', QUEUE, [top, now, alsoDisabled]);
      isShort = queued?.isShort ?? false;
    }
    return true;
  },

  async backlog(): Promise<WebhookBacklog> {
    const [row] = await db.query<WebhookBacklog>('webhook_backlog', LAG, []);
    return row ?? { oldest: null, pending: 0, enabled: 0, paused: 0, givenUp: 0 };
  },
});

export type EventQueue = ReturnType<typeof createEventQueue>;
