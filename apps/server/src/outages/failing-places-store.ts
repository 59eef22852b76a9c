import type { StatusReason } from '@authpipe/types';
import { addSeconds } from '../clock.js';
import type { Database } from '../db/database.js';
import { newId, type Randomness } from '../randomness.js';
import { REFUSED_RIGHTS, TELLS_OF_ITSELF } from './peers-store.js';
import { type Place, parsePlaceKey, placeKey, siblingKeys } from './place.js';
import { MOST_ENVIRONMENTS, tellOfPlace } from './place-event.js';

/** How often the connections of a failing place are tried, to see whether it is over … */
const TRIAL_SECONDS = 30;
/** … and how many of them each time. */
const TRIAL_CONNECTIONS = 3;
/** It is over when most of the last so many answers are good … */
const LATEST = 10;
/** … and so many are, or half of those that could be asked, where they are few. */
const GOOD_TO_END = 5;
/** A refusal that lasts longer than this, while the provider answers, is no outage. */
export const LONGEST_HOLD_SECONDS = 86_400;
/** Trouble that comes back sooner than this after its end is the same: it is not told again, and not held for longer. */
const SAME_WITHIN_SECONDS = 3600;
/** So many renewed for each that is still refused: renewals work. */
const RENEWED_TO_END = 5;

/** The connections of a place of the id `$1`, as rows `k` of credentials: each by an index of its own. */
const AT_PLACE = {
  host: 'k.answer_host = $1',
  integration: 'k.connection_id IN (SELECT id FROM connections WHERE integration_row_id = $1)',
} as const;

const declareSql = (atPlace: string): string => `WITH declared AS (
    INSERT INTO failing_places AS p (place, since, trial_at) VALUES ($6, $2, $3)
    ON CONFLICT (place) DO UPDATE SET ended_at = NULL, trial_at = $3, since = CASE
      WHEN p.ended_at > $2::timestamptz - make_interval(secs => ${SAME_WITHIN_SECONDS}) THEN p.since ELSE $2 END
    WHERE p.ended_at IS NOT NULL RETURNING place, since
  ), ${tellOfPlace({
    ...{
      type: 'integration.degraded',
      status: 'degraded',
      reason: '$5::text',
      ids: '$4',
      time: '$2',
      atPlace,
    },
    from: 'declared WHERE since = $2 AND NOT EXISTS (SELECT 1 FROM failing_places WHERE place = ANY ($7::text[]))',
  })}
  SELECT place FROM declared`;

/** Over for good: trouble that comes back from now on is told anew. What fails at several things is told of once. */
const forgetSql = (atPlace: string): string => `WITH gone AS (
    DELETE FROM failing_places WHERE place = $5 AND ended_at <= $3 RETURNING place
  ), ${tellOfPlace({
    ...{ type: 'integration.recovered', status: 'healthy', reason: 'NULL', ids: '$4', time: '$2', atPlace },
    from: 'gone WHERE NOT EXISTS (SELECT 1 FROM failing_places WHERE place = ANY ($6::text[]))',
  })}
  SELECT place FROM gone`;

const TAKE_TRIALS = `UPDATE failing_places SET trial_at = $2 WHERE trial_at <= $1 AND ended_at IS NULL RETURNING place`;

const ENDED = 'SELECT place FROM failing_places WHERE ended_at <= $1';

/** What is due waits for the end; the spread is the connection's own, so that it comes back spread. */
const SPREAD = `make_interval(secs => $3::float8 * (abs(hashtext(k.connection_id)) % 1000) / 1000.0)`;

/** Rows that another replica is at are left to it: two that wait for each other's would stand still. */
const free = (rows: string): string => `k.connection_id = ANY (ARRAY(${rows} FOR UPDATE OF k SKIP LOCKED))`;

const putOffSql = (atPlace: string): string => `UPDATE credentials k
  SET probe_at = $2::timestamptz + make_interval(secs => $3::float8 / 2) + ${SPREAD} / 2
  WHERE ${free(`SELECT k.connection_id FROM credentials k WHERE k.probe_at <= $2::timestamptz
    AND (k.probe_lease_until IS NULL OR k.probe_lease_until <= $2::timestamptz) AND ${atPlace}`)}`;

const CAN_BE_TRIED = `k.probe_at IS NOT NULL AND c.status <> 'needs_reconnect' AND NOT ${TELLS_OF_ITSELF}`;

const trySql = (atPlace: string): string =>
  `UPDATE credentials k SET probe_at = $2 WHERE ${free(`
    SELECT k.connection_id FROM credentials k JOIN connections c ON c.id = k.connection_id
    WHERE ${CAN_BE_TRIED} AND ${atPlace}
    ORDER BY k.expires_at > $2 DESC NULLS FIRST, k.answered_at NULLS FIRST LIMIT ${TRIAL_CONNECTIONS}`)}`;

/** SQL of an answer to what a place fails at: when it was given, and whether it is one. */
const ANSWER = {
  token: { at: 'k.answered_at', isOne: `NOT coalesce(${REFUSED_RIGHTS}, false)` },
  // That a token lives says nothing of what it may do.
  rights: {
    at: `(CASE WHEN k.answer IN ('refused', 'away') THEN k.answered_at ELSE k.worked_at END)`,
    isOne: 'true',
  },
} as const;

/**
 * Ends a place. Its own told faults say nothing of it; and after a day, which is as long as a verdict is held, it ends
 * unless most are still refused. What was held back is forgotten with it, in the same statement: each is looked at anew,
 * one after the other.
 */
const endSql = (
  atPlace: string,
  { at, isOne }: (typeof ANSWER)['token' | 'rights'],
): string => `WITH over AS (
    UPDATE failing_places p SET ended_at = $2 WHERE p.place = $4 AND p.ended_at IS NULL AND (
      SELECT count(*) FILTER (WHERE last.is_good) >= least(${GOOD_TO_END}, (
          SELECT ceil(count(*) / 2.0) FROM (
            SELECT 1 FROM credentials k JOIN connections c ON c.id = k.connection_id
            WHERE ${CAN_BE_TRIED} AND ${atPlace} LIMIT ${LATEST}) tried))
        AND count(*) FILTER (WHERE last.is_good) * 2 > count(*)
        OR count(*) = 0 AND p.since <= $2::timestamptz - make_interval(secs => ${LONGEST_HOLD_SECONDS})
      FROM (
        SELECT coalesce(k.answer NOT IN ('refused', 'away'), true) AS is_good
        FROM credentials k JOIN connections c ON c.id = k.connection_id
        WHERE ${at} >= p.since AND ${isOne} AND ${atPlace} AND NOT ${TELLS_OF_ITSELF}
        ORDER BY ${at} DESC LIMIT ${LATEST}) last)
    RETURNING place
  ), resumed AS (
    UPDATE credentials k SET probe_at = $2::timestamptz + ${SPREAD}, suspected_reason = NULL,
      answer = NULL, answered_at = NULL, failing_since = NULL
    FROM over WHERE ${free(`SELECT k.connection_id FROM credentials k
      WHERE k.probe_at IS NOT NULL AND coalesce(k.answer IN ('refused', 'away'), true) AND ${atPlace}`)}
  )
  SELECT place FROM over`;

/** Connections whose renewal is refused, and of which nothing was told. */
const heldAt = (atPlace: string): string => `k.renewal_refused_since IS NOT NULL
  AND EXISTS (SELECT 1 FROM connections c WHERE c.id = k.connection_id AND c.status <> 'needs_reconnect') AND ${atPlace}`;

const tryRenewalSql = (atPlace: string): string =>
  `UPDATE credentials k SET refresh_at = $2 WHERE ${free(`
    SELECT k.connection_id FROM credentials k WHERE ${heldAt(atPlace)} AND k.refresh_at > $2
    ORDER BY md5(k.connection_id || $2::timestamptz::text) LIMIT ${TRIAL_CONNECTIONS}`)}`;

/** Renewals work again when nobody is refused any more, or few beside those who were renewed since. */
const endRenewalSql = (atPlace: string): string => `WITH over AS (
    UPDATE failing_places p SET ended_at = $2 WHERE p.place = $3 AND p.ended_at IS NULL AND
      (SELECT count(*) FROM credentials k WHERE k.issued_at >= p.since AND k.rotates IS NOT NULL AND k.renewal_refused_since IS NULL AND ${atPlace})
      >= ${RENEWED_TO_END} * (SELECT count(*) FROM credentials k WHERE ${heldAt(atPlace)})
    RETURNING place
  ), resumed AS (
    UPDATE credentials k SET renewal_refused_since = NULL, refresh_at = least(k.refresh_at, $2::timestamptz)
    FROM over WHERE ${free(`SELECT k.connection_id FROM credentials k WHERE ${heldAt(atPlace)}`)}
  )
  SELECT place FROM over`;

const ofBoth = (sql: (atPlace: string) => string): Readonly<Record<'host' | 'integration', string>> => ({
  host: sql(AT_PLACE.host),
  integration: sql(AT_PLACE.integration),
});

const DECLARE = ofBoth(declareSql);
const FORGET = ofBoth(forgetSql);
const PUT_OFF = ofBoth(putOffSql);
const TRY = ofBoth(trySql);
const END = {
  token: ofBoth((atPlace) => endSql(atPlace, ANSWER.token)),
  rights: ofBoth((atPlace) => endSql(atPlace, ANSWER.rights)),
};
const TRY_RENEWAL = ofBoth(tryRenewalSql);
const END_RENEWAL = ofBoth(endRenewalSql);

/** Statements over all connections of a place. */
const LONG = { mayTakeLong: true } as const;

/** The places that fail now, for all replicas. */
export const createFailingPlacesStore = ({
  db,
  randomness,
}: {
  readonly db: Database;
  readonly randomness: Randomness;
}) => {
  const eventIds = (): string[] => Array.from({ length: MOST_ENVIRONMENTS }, () => newId('evt', randomness));

  const isOver = async (key: string, now: Date, intervalSeconds: number): Promise<boolean> => {
    const { kind, id, question } = parsePlaceKey(key);
    const over =
      question === 'renewal'
        ? await db.query(`outage_end_renewal_${kind}`, END_RENEWAL[kind], [id, now, key], LONG)
        : await db.query(
            `outage_end_${question}_${kind}`,
            END[question][kind],
            [id, now, intervalSeconds, key],
            LONG,
          );
    return over.length > 0;
  };

  /** Looks at what a token may do go on as ever: they also see whether it lives. */
  const tryFew = async (key: string, now: Date): Promise<void> => {
    const { kind, id, question } = parsePlaceKey(key);
    if (question === 'token') await db.query(`outage_try_${kind}`, TRY[kind], [id, now], LONG);
    if (question === 'renewal')
      await db.query(`outage_try_renewal_${kind}`, TRY_RENEWAL[kind], [id, now], LONG);
  };

  /** What has been over for a while is told of as such. */
  const forget = async (now: Date): Promise<void> => {
    const before = addSeconds(now, -SAME_WITHIN_SECONDS);
    for (const { place: key } of await db.query<{ place: string }>('outage_ended', ENDED, [before])) {
      const { kind, id } = parsePlaceKey(key);
      await db.query(
        `outage_forget_${kind}`,
        FORGET[kind],
        [id, now, before, eventIds(), key, siblingKeys(key)],
        LONG,
      );
    }
  };

  return {
    /** All of them, by key, since when: usually none. */
    async list(): Promise<ReadonlyMap<string, Date>> {
      const rows = await db.query<{ place: string; since: Date }>(
        'outage_places',
        'SELECT place, since FROM failing_places WHERE ended_at IS NULL',
        [],
      );
      return new Map(rows.map(({ place, since }) => [place, since]));
    },

    /** Tells of it, once over all replicas. False: it was known. */
    async declare(place: Place, reason: StatusReason, now: Date): Promise<boolean> {
      const key = placeKey(place);
      const { kind, id } = parsePlaceKey(key);
      const values = [id, now, addSeconds(now, TRIAL_SECONDS), eventIds(), reason, key, siblingKeys(key)];
      return (await db.query(`outage_declare_${kind}`, DECLARE[kind], values, LONG)).length > 0;
    },

    /**
     * Puts off what is due at them, and every half minute, by one replica, ends those that are over and has a few of the
     * others tried. Tells of what has been over for a while. Resolves with what ended.
     */
    async tend(places: readonly string[], now: Date, intervalSeconds: number): Promise<string[]> {
      const ended: string[] = [];
      for (const key of places) {
        const { kind, id, question } = parsePlaceKey(key);
        if (question === 'token')
          await db.query(`outage_put_off_${kind}`, PUT_OFF[kind], [id, now, intervalSeconds], LONG);
      }
      if (places.length > 0) {
        const values = [now, addSeconds(now, TRIAL_SECONDS)];
        const trials = await db.query<{ place: string }>('outage_trials', TAKE_TRIALS, values);
        for (const { place } of trials) {
          if (await isOver(place, now, intervalSeconds)) ended.push(place);
          else await tryFew(place, now);
        }
      }
      await forget(now);
      return ended;
    },
  };
};

export type FailingPlacesStore = ReturnType<typeof createFailingPlacesStore>;
