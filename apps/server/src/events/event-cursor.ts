/**
 * A place in the order of delivery, as followers keep it (`Last-Event-ID`). The event's id goes along with its position:
 * a database that was restored from a backup gives the same positions to other events, and this shows it.
 */
export interface EventCursor {
  readonly position: number;
  /** `null` at the beginning, and where the event is gone. */
  readonly eventId: string | null;
}

const CURSOR = /^(\d{1,15})-(evt_[A-Za-z0-9_-]{1,64})?$/;

/** The cursor as text: opaque to followers. */
export const formatCursor = ({ position, eventId }: EventCursor): string => `${position}-${eventId ?? ''}`;

/** Reads a cursor; `null` for what is none, which is no error: the follower starts from now. */
export const parseCursor = (text: string | undefined): EventCursor | null => {
  const match = CURSOR.exec(text ?? '');
  return match ? { position: Number(match[1]), eventId: match[2] ?? null } : null;
};
