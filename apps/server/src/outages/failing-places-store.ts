import type { StatusReason } from '@authpipe/types';
import { addSeconds } from '../clock.js';
import type { Database } from '../db/database.js';
import { newId, type Randomness } from '../randomness.js';
import { type Suspect, TELLS_OF_ITSELF } from './peers-store.js';

/** A host, or an integration, whose connections fail together. */
export type Place = { readonly host: string } | { readonly integrationRowId: string };

/** How often the connections of a failing place are looked at, to see whether it is over … */
const TRIAL_SECONDS = 30;
/** … and how many of them each time. */
const TRIAL_CONNECTIONS = 3;
/** The last so many answers are good: it is over. */
const GOOD_TO_END = 5;
/** A refusal that lasts longer than this, while the provider answers, is no outage. */
export const LONGEST_HOLD_SECONDS = 86_400;
/** Environments that can be told of one outage: each by an event of its own. */
const MOST_ENVIRONMENTS = 50;

export const placeKey = (place: Place): string =>
  'host' in place ? `host:${place.host}` : `integration:${place.integrationRowId}`;

/** A token that lives says that it is over only where nothing more is ever asked. */
const IS_GOOD = `(last.answer = 'good' OR last.answer = 'alive' AND last.probe_at IS NULL)`;

/** The connections of a place `$1`, as rows `k` of credentials. */
const AT_PLACE = `(k.answer_host = substr($1, 6) AND $1 LIKE 'host:%'
  OR $1 LIKE 'integration:%' AND k.connection_id IN (SELECT id FROM connections WHERE integration_row_id = substr($1, 13)))`;

/** One event for each environment; the integration is named where there is only one. */
const DECLARE = `WITH declared AS (
    INSERT INTO failing_places (place, since, trial_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING place
  ), hit AS (
    SELECT c.environment, min(c.provider) AS provider,
      CASE WHEN count(DISTINCT c.integration_id) = 1 THEN min(c.integration_id) END AS integration,
      CASE WHEN count(DISTINCT i.tenant_id) = 1 THEN nullif(min(i.tenant_id), '') END AS tenant_id
    FROM declared, credentials k JOIN connections c ON c.id = k.connection_id
    LEFT JOIN integrations i ON i.id = c.integration_row_id
    WHERE ${AT_PLACE} GROUP BY c.environment
  ), told AS (
    INSERT INTO events (id, type, environment, connection_id, tenant_id, payload, time)
    SELECT ($4::text[])[row_number() OVER ()], 'integration.degraded', environment, NULL, tenant_id,
      jsonb_build_object('environment', environment, 'connectionId', NULL, 'integration', integration,
        'provider', provider, 'tenantId', tenant_id, 'owner', NULL, 'userId', NULL, 'label', NULL, 'version', NULL,
        'status', 'degraded', 'reason', $5::text, 'metadata', '{}'::jsonb), $2
    FROM hit LIMIT ${MOST_ENVIRONMENTS}
  )
  SELECT place FROM declared`;

const TAKE_TRIALS = `UPDATE failing_places SET trial_at = $2 WHERE trial_at <= $1 RETURNING place`;

/** What is due waits for the end; the spread is the connection's own, so that it comes back spread. */
const SPREAD = `make_interval(secs => $3::float8 * (abs(hashtext(k.connection_id)) % 1000) / 1000.0)`;

const PUT_OFF = `UPDATE credentials k SET probe_at = $2::timestamptz + make_interval(secs => $3::float8 / 2) + ${SPREAD} / 2
  WHERE k.probe_at <= $2::timestamptz AND (k.probe_lease_until IS NULL OR k.probe_lease_until <= $2::timestamptz) AND ${AT_PLACE}`;

const TRY = `UPDATE credentials SET probe_at = $2 WHERE connection_id = ANY (ARRAY(
    SELECT k.connection_id FROM credentials k JOIN connections c ON c.id = k.connection_id
    WHERE k.probe_at IS NOT NULL AND c.status <> 'needs_reconnect' AND NOT ${TELLS_OF_ITSELF} AND ${AT_PLACE}
    ORDER BY k.expires_at > $2 DESC NULLS FIRST, k.answered_at NULLS FIRST LIMIT ${TRIAL_CONNECTIONS}))`;

/**
 * Ends a place. Its own told faults say nothing of it; and after a day, which is as long as a verdict is held, fewer good
 * answers are enough: it may have fewer connections. What was held back is forgotten with it, in the same statement: each is
 * looked at anew, one after the other.
 */
const END = `WITH over AS (
    DELETE FROM failing_places p WHERE p.place = $1 AND (
      SELECT count(*) FILTER (WHERE ${IS_GOOD}) >= CASE
        WHEN p.since <= $2::timestamptz - make_interval(secs => ${LONGEST_HOLD_SECONDS}) THEN count(*)
        ELSE ${GOOD_TO_END} END
      FROM (
        SELECT k.answer, k.probe_at FROM credentials k JOIN connections c ON c.id = k.connection_id
        WHERE k.answered_at >= p.since AND ${AT_PLACE} AND NOT ${TELLS_OF_ITSELF}
        ORDER BY k.answered_at DESC LIMIT ${GOOD_TO_END}) last)
    RETURNING place
  ), resumed AS (
    UPDATE credentials k SET probe_at = $2::timestamptz + ${SPREAD}, suspected_reason = NULL,
      answer = NULL, answered_at = NULL, failing_since = NULL
    FROM over WHERE k.probe_at IS NOT NULL AND coalesce(k.answer <> 'good', true) AND ${AT_PLACE}
  )
  SELECT place FROM over`;

/** The places that fail now, for all replicas. */
export const createFailingPlacesStore = ({
  db,
  randomness,
}: {
  readonly db: Database;
  readonly randomness: Randomness;
}) => ({
  /** All of them, by key, since when: usually none. */
  async list(): Promise<ReadonlyMap<string, Date>> {
    const rows = await db.query<{ place: string; since: Date }>(
      'outage_places',
      'SELECT place, since FROM failing_places',
      [],
    );
    return new Map(rows.map(({ place, since }) => [place, since]));
  },

  /** Tells of it, once over all replicas. False: it was known. */
  async declare(place: Place, reason: StatusReason, now: Date): Promise<boolean> {
    const ids = Array.from({ length: MOST_ENVIRONMENTS }, () => newId('evt', randomness));
    const values = [placeKey(place), now, addSeconds(now, TRIAL_SECONDS), ids, reason];
    return (await db.query('outage_declare', DECLARE, values, { mayTakeLong: true })).length > 0;
  },

  /** Ends those that are over; of the others puts off what is due, but for a few that are tried. Resolves with what ended. */
  async tend(places: readonly string[], now: Date, intervalSeconds: number): Promise<string[]> {
    const ended: string[] = [];
    for (const place of places) {
      const values = [place, now, intervalSeconds];
      const over = await db.query('outage_end', END, values, { mayTakeLong: true });
      if (over.length > 0) ended.push(place);
      else await db.query('outage_put_off', PUT_OFF, values, { mayTakeLong: true });
    }
    const trials = await db.query<{ place: string }>('outage_trials', TAKE_TRIALS, [
      now,
      addSeconds(now, TRIAL_SECONDS),
    ]);
    for (const { place } of trials) await db.query('outage_try', TRY, [place, now], { mayTakeLong: true });
    return ended;
  },
});

export type FailingPlacesStore = ReturnType<typeof createFailingPlacesStore>;
export type { Suspect };
