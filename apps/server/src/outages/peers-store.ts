import { OF_WHAT_IT_MAY } from '../authorization-reasons.js';
import type { Database } from '../db/database.js';

/** Whose verdict is in question, and where it was met. */
export interface Suspect {
  readonly connectionId: string;
  readonly environment: string;
  readonly integrationRowId: string | null;
  /** Where the provider was asked: `https://acme.okta.com`. */
  readonly host: string;
}

/** What another connection was answered last, as far as that is of the kind that is in question. */
export interface PeerAnswer {
  readonly isGood: boolean;
  /** Since the suspect failed first: only then a good answer speaks for the place. */
  readonly isFresh: boolean;
  readonly isOfIntegration: boolean;
}

/** A connection that could be asked about now. */
export interface Witness {
  readonly connectionId: string;
  readonly environment: string;
  readonly isOfIntegration: boolean;
}

/** Answers that are counted at most, the latest: enough to judge by, and as cheap with a million connections. */
const COUNTED = 500;
/** Answers older than this say nothing of now. */
const LONGEST_SECONDS = 900;
/** A witness is chosen among so many. */
const CANDIDATES = 200;
/** A token that ends sooner can't bear witness. */
const TOKEN_LEFT_SECONDS = 10;

const ME = `me AS (
  SELECT c.id, c.tenant_id, c.owner, c.user_id,
    greatest(coalesce(k.failing_since, $4::timestamptz), $4::timestamptz - make_interval(secs => ${LONGEST_SECONDS})) AS since,
    $4::timestamptz - make_interval(secs => ${LONGEST_SECONDS}) AS oldest
  FROM connections c JOIN credentials k ON k.connection_id = c.id WHERE c.id = $1)`;

/** The same person's other connections share one fate with it. */
const NOT_MY_OWN = `c.id <> me.id AND NOT (c.tenant_id = me.tenant_id AND c.owner = me.owner AND c.user_id = me.user_id
  AND c.owner = 'user')`;

/**
 * A connection says nothing of its place while it is refused on and on for the reason that was told of it, or while it is
 * refused what it was never seen to be allowed: users without a role are many, and no outage.
 */
export const TELLS_OF_ITSELF = `coalesce(k.answer = 'refused' AND (
  c.status IN ('degraded', 'needs_reconnect') AND coalesce(k.suspected_reason, c.reason) = c.reason
    AND c.reason NOT IN ('provider_down', 'rate_limited')
  OR k.worked_at IS NULL AND k.suspected_reason IN ${OF_WHAT_IT_MAY}), false)`;

const OF_INTEGRATION = 'coalesce(c.integration_row_id = $3, false)';

const ANSWERS = `WITH ${ME}
  SELECT k.answer IN ('good', 'alive') AS "isGood", k.answered_at >= me.since AS "isFresh", ${OF_INTEGRATION} AS "isOfIntegration"
  FROM me, LATERAL (
    SELECT connection_id, answer, answered_at, suspected_reason, worked_at FROM credentials
    WHERE answer_host = $2 AND answered_at >= me.oldest ORDER BY answered_at DESC LIMIT ${COUNTED}
  ) k JOIN connections c ON c.id = k.connection_id
  WHERE ${NOT_MY_OWN} AND NOT ${TELLS_OF_ITSELF} AND NOT (k.answer = 'alive' AND $5::boolean)
  ORDER BY k.answered_at DESC`;

const CAN_BE_ASKED = `k.probe_at IS NOT NULL AND (k.answered_at IS NULL OR k.answered_at < me.since)
  AND (k.expires_at IS NULL OR k.expires_at > $4::timestamptz + make_interval(secs => ${TOKEN_LEFT_SECONDS}))`;

const WITNESSES = `WITH ${ME}, asked AS (
    SELECT k.connection_id, k.environment FROM me, LATERAL (
      SELECT * FROM credentials k WHERE k.answer_host = $2 AND ${CAN_BE_ASKED} ORDER BY k.answered_at LIMIT ${CANDIDATES}
    ) k
  ), never_asked AS (
    SELECT k.connection_id, k.environment FROM me
    JOIN connections c ON c.integration_row_id = $3 JOIN credentials k ON k.connection_id = c.id
    WHERE k.answer_host IS NULL AND ${CAN_BE_ASKED} LIMIT ${CANDIDATES}
  )
  SELECT k.connection_id AS "connectionId", k.environment, ${OF_INTEGRATION} AS "isOfIntegration"
  FROM me, (SELECT * FROM asked UNION SELECT * FROM never_asked) w
  JOIN credentials k ON k.connection_id = w.connection_id JOIN connections c ON c.id = w.connection_id
  WHERE ${NOT_MY_OWN} AND c.status <> 'needs_reconnect'
  ORDER BY 3 DESC, md5(k.connection_id || me.id) LIMIT $5`;

const MANY = `SELECT count(*)::int AS count FROM (SELECT 1 FROM connections WHERE integration_row_id = $1 LIMIT $2) c`;

/** What other connections of the same host and the same integration were answered. */
export const createPeersStore = (db: Database) => ({
  /** The latest answers of others, the latest first. Of what a token may do, one that only lives says nothing. */
  answersSince: (
    { connectionId, host, integrationRowId }: Suspect,
    now: Date,
    { isOfWhatItMay }: { readonly isOfWhatItMay: boolean },
  ): Promise<PeerAnswer[]> =>
    db.query('outage_answers', ANSWERS, [connectionId, host, integrationRowId, now, isOfWhatItMay]),

  /** Others that were not asked since, at random, those of the integration first. */
  witnesses: (
    { connectionId, host, integrationRowId }: Suspect,
    now: Date,
    limit: number,
  ): Promise<Witness[]> =>
    db.query('outage_witnesses', WITNESSES, [connectionId, host, integrationRowId, now, limit]),

  /** Since when a connection is not well; `null`: it is. */
  async failingSince(connectionId: string): Promise<Date | null> {
    const text = 'SELECT failing_since AS "since" FROM credentials WHERE connection_id = $1';
    const [row] = await db.query<{ since: Date | null }>('outage_failing_since', text, [connectionId]);
    return row?.since ?? null;
  },

  /** Whether an integration has at least so many connections. */
  async hasConnections(integrationRowId: string, atLeast: number): Promise<boolean> {
    const [row] = await db.query<{ count: number }>('outage_many', MANY, [integrationRowId, atLeast]);
    return (row?.count ?? 0) >= atLeast;
  },
});

export type PeersStore = ReturnType<typeof createPeersStore>;
