import { addSeconds, type Clock } from '../clock.js';
import type { Database } from './database.js';

/** How often a running server says that it runs. */
export const BEAT_SECONDS = 1;
/**
 * A server that was not heard of for this long holds nothing any more: with the next beat of another, what a dead one
 * held is free within five seconds of its death.
 */
export const DEAD_AFTER_SECONDS = 4;
/** Two beats further apart than this had an outage between them. */
const OUTAGE_SECONDS = 2.5;

/** The running servers on one database, as one of them sees it. */
export interface Nodes {
  /** `node_…`: this process, for this life. */
  readonly id: string;
  /** Says that this one runs. Resolves to what the database's clock says, and to how many others have died. */
  beat(): Promise<{ readonly databaseTime: Date; readonly died: number }>;
  /** The moment since which a server must have been heard of to count as running. */
  aliveSince(): Date;
  /**
   * Since when this one has been in touch with the database: its start, or the end of the last outage that it saw. Now,
   * while there is one.
   */
  inTouchSince(): Date;
  /** Takes this one off the list: what it still holds is free at once. */
  leave(): Promise<void>;
}

/**
 * The same as a part of other statements: whoever writes has proved that it runs. `id` and `now` are placeholders.
 */
export const beatSql = ({ id, now }: { readonly id: string; readonly now: string }): string =>
  `INSERT INTO nodes (id, started_at, beat_at) VALUES (${id}, ${now}, ${now})
   ON CONFLICT (id) DO UPDATE SET beat_at = greatest(nodes.beat_at, excluded.beat_at)`;

/**
 * SQL that is true when nobody holds the lease of the credential `k`: it was given back, ran out, or its holder no longer
 * beats. `now` and `aliveSince` are placeholders.
 */
export const isLeaseFreeSql = ({
  now,
  aliveSince,
}: {
  readonly now: string;
  readonly aliveSince: string;
}): string =>
  `(k.lease_until IS NULL OR k.lease_until <= ${now}
    OR NOT EXISTS (SELECT 1 FROM nodes n WHERE n.id = k.lease_owner AND n.beat_at > ${aliveSince}))`;

const BEAT = `WITH mine AS (${beatSql({ id: '$1', now: '$2::timestamptz' })}), died AS (
    DELETE FROM nodes WHERE beat_at <= $3 AND id <> $1 RETURNING id)
  SELECT clock_timestamp() AS "databaseTime", (SELECT count(*) FROM died)::int AS died`;

/** This process among the servers on its database. */
export const createNodes = ({
  db,
  clock,
  id,
}: {
  readonly db: Database;
  readonly clock: Clock;
  readonly id: string;
}): Nodes => {
  let lastBeatAt: Date | null = null;
  let touchedAt: Date | null = null;
  let outage: { readonly from: Date; readonly until: Date } | null = null;

  const isLate = (now: Date): boolean => lastBeatAt !== null && now > addSeconds(lastBeatAt, OUTAGE_SECONDS);

  /**
   * After an outage of the database nobody has been heard of for as long as it lasted. Those who ran through it get the
   * time to be heard of again: they may hold tokens that could not be written.
   */
  const aliveSince = (): Date => {
    const now = clock.now();
    const isRecent = outage !== null && now < addSeconds(outage.until, DEAD_AFTER_SECONDS);
    return addSeconds(isRecent && outage ? outage.from : now, -DEAD_AFTER_SECONDS);
  };

  return {
    id,
    aliveSince,
    inTouchSince() {
      const now = clock.now();
      return touchedAt === null || isLate(now) ? now : touchedAt;
    },
    async beat() {
      const now = clock.now();
      const isAfterOutage = isLate(now);
      if (lastBeatAt !== null && isAfterOutage) outage = { from: lastBeatAt, until: now };
      const [row] = await db.query<{ databaseTime: Date; died: number }>('node_beat', BEAT, [
        id,
        now,
        aliveSince(),
      ]);
      if (touchedAt === null || isAfterOutage) touchedAt = now;
      lastBeatAt = now;
      return row ?? { databaseTime: now, died: 0 };
    },
    async leave() {
      await db.query('node_leave', 'DELETE FROM nodes WHERE id = $1', [id]);
    },
  };
};
