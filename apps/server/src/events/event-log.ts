import { type AuthpipeEvent, eventType } from '@authpipe/types';
import type { NewEvent } from '../db/append-event.js';
import type { Database } from '../db/database.js';

/** An event with its place in the order of delivery. */
export interface LoggedEvent {
  /** Given after the commit: whoever has seen one number has seen all smaller ones. */
  readonly position: number;
  readonly event: AuthpipeEvent;
}

/** What is known of a place in the order of delivery. */
export interface LoggedPlace {
  /** Id of the event there; `null` where there is none (any more). */
  readonly eventId: string | null;
  /** Up to this position something has been swept away. */
  readonly sweptUpTo: number;
}

interface EventRow {
  readonly position: number;
  readonly id: string;
  readonly type: AuthpipeEvent['type'];
  readonly time: Date;
  readonly payload: NewEvent;
}

/** A day: who was away for longer reads anew what it holds. */
const REFRESHED_KEPT_SECONDS = 86_400;
/** A week: events of state are few, and people ask for them. */
const OTHERS_KEPT_SECONDS = 7 * 86_400;
/** Rows that one statement sweeps. */
const SWEPT_AT_ONCE = 5_000;

const SWEEP = `WITH gone AS (
    DELETE FROM events WHERE id IN (
      SELECT id FROM events WHERE type = ANY ($1::text[]) AND time < $2 AND position IS NOT NULL LIMIT ${SWEPT_AT_ONCE})
    RETURNING position
  ), counted AS (
    UPDATE event_counter SET swept_up_to = greatest(swept_up_to, (SELECT max(position) FROM gone))
    WHERE EXISTS (SELECT 1 FROM gone)
  )
  SELECT count(*) AS count FROM gone`;

/** The outbox as it is read. Events get there with the changes they tell of, by `db/append-event.ts` alone. */
export interface EventLog {
  /** Gives a position to all that was committed since the last time. Answers the highest one there is. */
  numberEvents(): Promise<number>;
  /** The events after a position (0: from the first), in the order of delivery, at most `limit`. */
  eventsAfter(position: number, limit: number): Promise<LoggedEvent[]>;
  /** Looks a position up. */
  placeAt(position: number): Promise<LoggedPlace>;
  /** Forgets old events: those of refreshes, which are many, after a day, all others after a week. */
  sweepEvents(now: Date): Promise<void>;
}

/** Reads the outbox of a database. */
export const createEventLog = ({ db }: { readonly db: Database }): EventLog => {
  const numberEvents = async (): Promise<number> => {
    const [row] = await db.query<{ last: number }>('events_number', 'SELECT number_events() AS last', []);
    return row?.last ?? 0;
  };

  /** Sweeps some types, until nothing that old is left. */
  const sweep = async (types: readonly string[], before: Date): Promise<void> => {
    let swept: number;
    do {
      const [row] = await db.query<{ count: number }>('events_sweep', SWEEP, [types, before]);
      swept = row?.count ?? 0;
    } while (swept === SWEPT_AT_ONCE);
  };

  return {
    numberEvents,

    async eventsAfter(position: number, limit: number): Promise<LoggedEvent[]> {
      const rows = await db.query<EventRow>(
        'events_after',
        'SELECT position, id, type, time, payload FROM events WHERE position > $1 ORDER BY position LIMIT $2',
        [position, limit],
      );
      return rows.map(({ position: at, id, type, time, payload }) => ({
        position: at,
        event: { id, type, time: time.toISOString(), ...payload },
      }));
    },

    async placeAt(position: number): Promise<LoggedPlace> {
      const [row] = await db.query<{ id: string | null; swept: number }>(
        'events_place',
        `SELECT (SELECT id FROM events WHERE position = $1) AS id, swept_up_to AS swept FROM event_counter`,
        [position],
      );
      return { eventId: row?.id ?? null, sweptUpTo: row?.swept ?? 0 };
    },

    async sweepEvents(now) {
      const ago = (seconds: number): Date => new Date(now.getTime() - seconds * 1_000);
      const refreshed = ['credential.refreshed'];
      // What was never numbered was never told.
      await numberEvents();
      await sweep(refreshed, ago(REFRESHED_KEPT_SECONDS));
      const others = eventType.options.filter((type) => !refreshed.includes(type));
      await sweep(others, ago(OTHERS_KEPT_SECONDS));
    },
  };
};
