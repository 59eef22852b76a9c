import { insertConnectionEvent } from '../db/append-event.js';
import type { Database } from '../db/database.js';
import { newId, type Randomness } from '../randomness.js';

/** Connections that are told of in one statement. */
const TOLD_AT_ONCE = 200;

const TELL_EXPIRING = `WITH due AS (
    SELECT connection_id FROM credentials WHERE expiring_at <= $1
    ORDER BY expiring_at LIMIT $2 FOR UPDATE SKIP LOCKED
  ), told AS (
    UPDATE credentials k SET expiring_at = NULL FROM due WHERE k.connection_id = due.connection_id
    RETURNING k.connection_id, k.version
  ), numbered AS (
    SELECT connection_id, version, row_number() OVER () AS place FROM told
  ), events AS (${insertConnectionEvent({
    id: '($3::text[])[c.place]',
    type: "'connection.expiring'",
    time: '$1::timestamptz',
    from: `(SELECT c.*, numbered.version, numbered.place FROM numbered JOIN connections c ON c.id = numbered.connection_id
      WHERE c.status <> 'needs_reconnect') c`,
  })})
  SELECT count(*)::int AS count FROM told`;

/** Tells of grants whose end is near (Okta: two weeks before its 90 days are over). */
export const createExpiringStore = ({
  db,
  randomness,
}: {
  readonly db: Database;
  readonly randomness: Randomness;
}) => ({
  /** Tells of each grant whose end is near at `now`, once. Resolves with how many there were. */
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
