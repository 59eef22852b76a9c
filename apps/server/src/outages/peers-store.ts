import { OF_WHAT_IT_MAY } from '../authorization-reasons.js';
import type { Database } from '../db/database.js';

/** Whose verdict is in question, and where it was met. */
export interface Suspect {
  readonly connectionId: string;
  readonly environment: string;
  readonly integrationRowId: string | null;
  /** Where the provider was asked: `https://acme.okta.com`. */
  readonly host: string;
  /** Whether it was ever seen to be allowed all that is asked of it. */
  readonly hasWorked: boolean;
}

/**
 * What is in question, and what others are asked: whether their `token` lives, what it may do (`rights`), or whether they
 * get a new one (`renewal`). An answer to one says nothing of the others: an endpoint may fail alone.
 */
export type Question = 'token' | 'rights' | 'renewal';

/** What another connection was answered last to a question. */
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
/** Who was not looked at for so long is not looked at any more, since it is dead: there may be many. */
const KNOWN_SECONDS = 2 * 86_400;
/** A witness is chosen among so many … */
const CANDIDATES = 200;
/** … of so many of an integration, however large it is. */
const SAMPLE = 2_000;
/** A token that ends sooner can't bear witness. */
const TOKEN_LEFT_SECONDS = 10;

const me = (failingSince: string): string => `me AS (
  SELECT c.id, c.tenant_id, c.owner, c.user_id,
    greatest(coalesce(${failingSince}, $4::timestamptz), $4::timestamptz - make_interval(secs => ${LONGEST_SECONDS})) AS since,
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

/** A connection whose token lives, and may not do what it was asked to do. */
export const REFUSED_RIGHTS = `(k.answer = 'refused' AND coalesce(k.suspected_reason, c.reason) IN ${OF_WHAT_IT_MAY})`;

const SAYS_WHAT_IT_MAY = `(k.answer IN ('refused', 'away') OR k.worked_at >= me.oldest)`;

/** SQL of an answer to a question that looks ask: when it was given, whether it is good, and whether it is one at all. */
const LOOKED = {
  token: {
    at: 'k.answered_at',
    isGood: `k.answer IN ('good', 'alive')`,
    isSaid: 'true',
    isOne: `NOT coalesce(${REFUSED_RIGHTS}, false)`,
  },
  rights: {
    at: `CASE WHEN k.answer IN ('refused', 'away') THEN k.answered_at ELSE k.worked_at END`,
    isGood: `k.answer IN ('good', 'alive')`,
    isSaid: SAYS_WHAT_IT_MAY,
    isOne: SAYS_WHAT_IT_MAY,
  },
} as const;

/** Ids of so many connections of the integration: all of them, but for a large one, whose others the host knows. */
const sampleOfIntegration = (limit: number): string =>
  `SELECT id AS connection_id FROM (SELECT id FROM connections WHERE integration_row_id = $3 LIMIT ${limit}) i`;

const lookAnswers = ({
  at,
  isGood,
  isSaid,
  isOne,
}: (typeof LOOKED)['token' | 'rights']): string => `WITH ${me('k.failing_since')}
  SELECT ${isGood} AS "isGood", coalesce(${at} >= me.since, false) AS "isFresh", ${OF_INTEGRATION} AS "isOfIntegration"
  FROM me, LATERAL (
    SELECT connection_id FROM (
      SELECT connection_id FROM credentials k
      WHERE answer_host = $2 AND answered_at >= me.oldest AND ${isSaid}
      ORDER BY answered_at DESC LIMIT ${COUNTED}) h
    UNION ${sampleOfIntegration(COUNTED)}
  ) w JOIN credentials k ON k.connection_id = w.connection_id JOIN connections c ON c.id = k.connection_id
  WHERE ${NOT_MY_OWN} AND NOT ${TELLS_OF_ITSELF} AND ${isOne} AND k.answer_host = $2 AND ${at} >= me.oldest
  ORDER BY ${at} DESC`;

/** Connections whose renewals could be seen: of the host, and of the integration. */
const RENEWED = `SELECT connection_id FROM (
    SELECT connection_id FROM credentials WHERE answer_host = $2 AND answered_at IS NOT NULL
    ORDER BY answered_at DESC LIMIT ${COUNTED}) h
  UNION ${sampleOfIntegration(COUNTED)} UNION SELECT unnest($5::text[])`;

/**
 * Who is still refused counts as refused now. A grant that a person has just given was not renewed: `rotates` is unknown until
 * one is.
 */
const RENEWALS = `WITH ${me('k.renewal_refused_since')}
  SELECT k.renewal_refused_since IS NULL AS "isGood",
    k.renewal_refused_since IS NOT NULL OR k.issued_at >= me.since AS "isFresh", ${OF_INTEGRATION} AS "isOfIntegration"
  FROM me, (${RENEWED}) w JOIN credentials k ON k.connection_id = w.connection_id
  JOIN connections c ON c.id = k.connection_id
  WHERE ${NOT_MY_OWN} AND c.kind = 'oauth2' AND c.status <> 'needs_reconnect'
    AND (k.answer_host = $2 OR k.answer_host IS NULL)
    AND (k.renewal_refused_since IS NOT NULL OR k.rotates IS NOT NULL AND k.issued_at >= me.oldest)
  ORDER BY coalesce(k.renewal_refused_since, k.issued_at) DESC`;

const ANSWERS: Readonly<Record<Question, string>> = {
  token: lookAnswers(LOOKED.token),
  rights: lookAnswers(LOOKED.rights),
  renewal: RENEWALS,
};

const CAN_BE_LOOKED_AT = `k.probe_at IS NOT NULL
  AND (k.expires_at IS NULL OR k.expires_at > $4::timestamptz + make_interval(secs => ${TOKEN_LEFT_SECONDS}))`;

/** Who could be asked about each, and was not yet. */
const CAN_BE_ASKED: Readonly<Record<Question, string>> = {
  token: `${CAN_BE_LOOKED_AT} AND (k.answered_at IS NULL OR k.answered_at < me.since)`,
  rights: `${CAN_BE_LOOKED_AT} AND NOT coalesce(k.worked_at >= me.since, false)
    AND NOT coalesce(k.answer IN ('refused', 'away') AND k.answered_at >= me.since, false)
    AND NOT coalesce(k.answer = 'refused' AND k.worked_at IS NULL, false)`,
  renewal: `k.refresh_at IS NOT NULL AND k.renewal_refused_since IS NULL AND k.lease_owner IS NULL
    AND k.issued_at < me.since`,
};

const witnessesOf = (question: Question): string => {
  const canBeAsked = CAN_BE_ASKED[question];
  const failingSince = question === 'renewal' ? 'k.renewal_refused_since' : 'k.failing_since';
  return `WITH ${me(failingSince)}, of_host AS (
    SELECT k.connection_id FROM me, LATERAL (
      SELECT k.connection_id FROM credentials k
      WHERE k.answer_host = $2 AND k.answered_at >= $4::timestamptz - make_interval(secs => ${KNOWN_SECONDS}) AND ${canBeAsked}
      ORDER BY k.answered_at LIMIT ${CANDIDATES}
    ) k
  ), of_integration AS (
    SELECT k.connection_id FROM me, (${sampleOfIntegration(SAMPLE)}) c JOIN credentials k ON k.connection_id = c.connection_id
    WHERE (k.answer_host = $2 OR k.answer_host IS NULL) AND ${canBeAsked} LIMIT ${CANDIDATES}
  )
  SELECT k.connection_id AS "connectionId", k.environment, ${OF_INTEGRATION} AS "isOfIntegration"
  FROM me, (SELECT * FROM of_host UNION SELECT * FROM of_integration) w
  JOIN credentials k ON k.connection_id = w.connection_id JOIN connections c ON c.id = w.connection_id
  WHERE ${NOT_MY_OWN} AND c.status <> 'needs_reconnect' ${question === 'renewal' ? `AND c.kind = 'oauth2'` : ''}
  ORDER BY 3 DESC, ${question === 'renewal' ? 'k.refresh_at' : 'md5(k.connection_id || me.id)'} LIMIT $5`;
};

const WITNESSES: Readonly<Record<Question, string>> = {
  token: witnessesOf('token'),
  rights: witnessesOf('rights'),
  renewal: witnessesOf('renewal'),
};

const MANY = `SELECT count(*)::int AS count FROM (SELECT 1 FROM connections WHERE integration_row_id = $1 LIMIT $2) c`;

/** What other connections of the same host and the same integration were answered. */
export const createPeersStore = (db: Database) => ({
  /** The latest answers of others to a question, the latest first; those who were `asked` about it are among them. */
  answersSince: (
    question: Question,
    { connectionId, host, integrationRowId }: Suspect,
    now: Date,
    asked: readonly string[],
  ): Promise<PeerAnswer[]> =>
    db.query(`outage_answers_${question}`, ANSWERS[question], [
      ...[connectionId, host, integrationRowId, now],
      // Looks are found by their time.
      ...(question === 'renewal' ? [asked] : []),
    ]),

  /** Others that were not asked since, those of the integration first: at random, or who is to be renewed next. */
  witnesses: (
    question: Question,
    { connectionId, host, integrationRowId }: Suspect,
    now: Date,
    limit: number,
  ): Promise<Witness[]> =>
    db.query(`outage_witnesses_${question}`, WITNESSES[question], [
      ...[connectionId, host, integrationRowId, now, limit],
    ]),

  /** Since when a connection is refused, as far as nothing was told of it; `null`: it is not. */
  async failingSince(question: Question, connectionId: string): Promise<Date | null> {
    const column = question === 'renewal' ? 'renewal_refused_since' : 'failing_since';
    const text = `SELECT ${column} AS "since" FROM credentials WHERE connection_id = $1`;
    const [row] = await db.query<{ since: Date | null }>(`outage_failing_since_${question}`, text, [
      connectionId,
    ]);
    return row?.since ?? null;
  },

  /** Whether an integration has at least so many connections. */
  async hasConnections(integrationRowId: string, atLeast: number): Promise<boolean> {
    const [row] = await db.query<{ count: number }>('outage_many', MANY, [integrationRowId, atLeast]);
    return (row?.count ?? 0) >= atLeast;
  },
});

export type PeersStore = ReturnType<typeof createPeersStore>;
