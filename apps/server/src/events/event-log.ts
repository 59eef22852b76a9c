import type { AuthpipeEvent } from '@authpipe/types';
import type { NewEvent } from '../db/append-event.js';
import type { Database } from '../db/database.js';

/** An event with its place in the outbox. */
export interface LoggedEvent {
  /** Order of writing. Two transactions may commit in the other order: a follower has to look back a little. */
  readonly sequence: bigint;
  readonly event: AuthpipeEvent;
}

interface EventRow {
  readonly sequence: bigint | number | string;
  readonly id: string;
  readonly type: AuthpipeEvent['type'];
  readonly time: Date;
  readonly payload: NewEvent;
}

/** Reads the outbox. Events get there with the changes they tell of, by `db/append-event.ts` alone. */
export const createEventLog = ({ db }: { readonly db: Database }) => ({
  /** The events of an environment after a sequence (0: from the first), in order, at most `limit`. */
  async listEvents(environment: string, afterSequence: bigint, limit: number): Promise<LoggedEvent[]> {
    const rows = await db.query<EventRow>(
      'events_after',
      `SELECT sequence, id, type, time, payload FROM events
       WHERE environment = $1 AND sequence > $2 ORDER BY sequence LIMIT $3`,
      [environment, afterSequence.toString(), limit],
    );
    return rows.map(({ sequence, id, type, time, payload }) => ({
      sequence: BigInt(sequence),
      event: { id, type, time: time.toISOString(), ...payload },
    }));
  },
});

export type EventLog = ReturnType<typeof createEventLog>;
