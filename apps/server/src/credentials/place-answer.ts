import { OF_WHAT_IT_MAY } from '../authorization-reasons.js';

/*
 * What a connection was answered last, by which the outage rule knows how the place of its provider does: `good`, `alive`
 * (the token lives, and what it may do was not asked), `refused` or `away`. `worked_at` is the last time of `good`. Whether
 * tokens are renewed is another matter: `issued_at` and `renewal_refused_since` tell of that.
 */

/** SQL, of `b` and `k`: while only the token is asked about, an API's refusal stands, told or suspected. */
export const REFUSAL_STANDS = `(coalesce(k.suspected_reason IN ${OF_WHAT_IT_MAY}, false)
  OR coalesce(k.answer = 'refused', false) AND b.status = 'degraded' AND b.failed_api IS NOT NULL)`;

/** SQL of a suspicion: what an API refused, and was told, is remembered when worse is told of in its place. */
export const REMEMBERED_REFUSAL = `CASE WHEN b.status = 'degraded' AND b.failed_api IS NOT NULL AND b.reason IN ${OF_WHAT_IT_MAY}
  THEN b.reason ELSE k.suspected_reason END`;

/** Assignments after an answer that says it all. */
export const answered = (answer: 'good' | 'refused' | 'away', at: string): string[] => [
  `answer = '${answer}'`,
  `answered_at = ${at}`,
  ...(answer === 'good' ? [`worked_at = ${at}`] : []),
  `failing_since = ${answer === 'good' ? 'NULL' : `coalesce(k.failing_since, ${at})`}`,
];

/** The same for a token that lives, when nobody was asked what it may do. */
export const answeredAlive = (at: string): string[] => [
  `answer = CASE WHEN ${REFUSAL_STANDS} THEN k.answer ELSE 'alive' END`,
  `answered_at = CASE WHEN ${REFUSAL_STANDS} THEN k.answered_at ELSE ${at} END`,
  `failing_since = CASE WHEN ${REFUSAL_STANDS} THEN k.failing_since END`,
];

/** A connection of which nothing but its renewals is ever seen. */
const IS_NEVER_PROBED = `(k.probe_at IS NULL AND k.refresh_stopped_at IS NULL AND b.status <> 'needs_reconnect')`;

/** SQL: what was refused of the token before says nothing of the new one. */
const afterRenewal = (column: 'answer' | 'answered_at', value: string): string =>
  `${column} = CASE WHEN ${REFUSAL_STANDS} THEN k.${column} WHEN ${IS_NEVER_PROBED} THEN ${value}
    WHEN k.answer IN ('refused', 'away') THEN NULL ELSE k.${column} END`;

/** The same when the token was renewed: the next look says whether the new one works. */
export const answeredByRenewal = (at: string): string[] => [
  'renewal_refused_since = NULL',
  afterRenewal('answer', `'good'`),
  afterRenewal('answered_at', at),
  `worked_at = CASE WHEN ${IS_NEVER_PROBED} THEN ${at} ELSE k.worked_at END`,
  `failing_since = CASE WHEN ${REFUSAL_STANDS} THEN k.failing_since END`,
];
