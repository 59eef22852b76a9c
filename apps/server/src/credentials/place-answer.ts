import { OF_WHAT_IT_MAY } from '../authorization-reasons.js';

/** SQL, of `b` and `k`: while only the token is asked about, an API's refusal stands, told or suspected. */
export const REFUSAL_STANDS = `(coalesce(k.suspected_reason IN ${OF_WHAT_IT_MAY}, false)
  OR coalesce(k.answer = 'refused', false) AND b.status = 'degraded' AND b.failed_api IS NOT NULL)`;

/** Assignments: what a connection was answered last, by which the outage rule knows how the place of its provider does. */
export const answered = (answer: 'good' | 'refused' | 'away', at: string): string[] => [
  `answer = '${answer}'`,
  `answered_at = ${at}`,
  `failing_since = ${answer === 'good' ? 'NULL' : `coalesce(k.failing_since, ${at})`}`,
];

/** The same for a token that lives, when nobody was asked what it may do. */
export const answeredAlive = (at: string): string[] => [
  `answer = CASE WHEN ${REFUSAL_STANDS} THEN k.answer ELSE 'alive' END`,
  `answered_at = CASE WHEN ${REFUSAL_STANDS} THEN k.answered_at ELSE ${at} END`,
  `failing_since = CASE WHEN ${REFUSAL_STANDS} THEN k.failing_since END`,
];
