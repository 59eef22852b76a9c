import { insertConnectionEvent } from '../db/append-event.js';
import type { Database } from '../db/database.js';
import { newId, type Randomness } from '../randomness.js';
import { LATER_NOTICE_DAYS } from './refresh-schedule.js';

/** Connections that are told of in one statement. */
const TOLD_AT_ONCE = 200;

/** The end of what a connection holds: its refresh token's, or its key's. */
const END = 'coalesce(k.refresh_expires_at, k.expires_at)';

/** The first later notice that is not over yet; what fell into an outage of ours is not told after the fact. */
const NEXT_NOTICE = `CASE ${LATER_NOTICE_DAYS.map((days) => {
  const at = `${END} - interval '${days * 24} hours'`;
  return `WHEN ${at} > $1::timestamptz THEN ${at}`;
}).join(' ')} END`;

const TELL_EXPIRING = `WITH due AS (
    SELECT connection_id FROM credentials WHERE expiring_at <= $1
    ORDER BY expiring_at LIMIT $2 FOR UPDATE SKIP LOCKED
  ), told AS (
    UPDATE credentials k SET expiring_at = ${NEXT_NOTICE} FROM due WHERE k.connection_id = due.connection_id
    RETURNING k.connection_id, k.version, ${END} AS ends_at
  ), numbered AS (
    SELECT connection_id, version, ends_at, row_number() OVER () AS place FROM told
  ), events AS (${insertConnectionEvent({
    id: '($3::text[])[c.place]',
    type: "'connection.expiring'",
    time: '$1::timestamptz',
    more: `jsonb_build_object('expiresAt', to_char(c.ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))`,
    from: `(SELECT c.*, numbered.version, numbered.ends_at, numbered.place FROM numbered JOIN connections c ON c.id = numbered.connection_id
      WHERE c.status <> 'needs_reconnect') c`,
  })})
  SELECT count(*)::int AS count FROM told`;

/** Tells of grants and keys whose end is near (Okta: two weeks, three days and a day before its 90 days are over). */
export const createExpiringStore = ({
  db,
  randomness,
}: {
  readonly db: Database;
  readonly randomness: Randomness;
}) => ({
  /** Tells of each that has a notice due at `now`, one event for a notice. Resolves with how many there were. */
  async tellExpiring(now: Date): Promise<number> {
    for (let total = 0; ; ) {
      const ids = Array.from({ length: TOLD_AT_ONCE }, () => newId('evt', randomness));
      const [row] = await db.query<{ count: number }>('expiring_tell', TELL_EXPIRING, [
        now,
        TOLD_AT_ONCE,
        ids,
      ]);
      const count = row?.count ?? 0;
      total += count;
      if (count < TOLD_AT_ONCE) return total;
    }
  },
});
