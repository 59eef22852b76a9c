import { errorSummary } from '../errors/error-summary.js';
import type { Logger } from '../log/logger.js';
import type { Sleep } from '../sleep.js';
import type { EventCursor } from './event-cursor.js';
import type { EventLog, LoggedEvent } from './event-log.js';

/** Someone who is told of events as they are committed. */
export interface EventFollower {
  /** Called once, before all else. `resumed`: what came after the cursor that was given follows; else it starts from now. */
  readonly begin: (cursor: EventCursor, resumed: boolean) => void;
  /** One event of any environment and tenant: the follower picks its own. */
  readonly deliver: (logged: LoggedEvent) => void;
  /** All that was committed until just now has been delivered. */
  readonly confirm: () => void;
  /** Resolves when there is room for more. */
  readonly drained: () => Promise<void>;
  /** No more will come: it has to begin anew, here or at another server. */
  readonly end: () => void;
}

/** Tells followers of events in the order of their commits: none is missed, none comes twice. */
export interface EventFeed {
  /** Begins to tell; resolves when the past, from `after` on, has been delivered. Rejects when the database is away. */
  follow(follower: EventFollower, after: EventCursor | null): Promise<void>;
  /** Tells it no more. */
  leave(follower: EventFollower): void;
  /** Something may have been committed. */
  wake(): void;
  /** To be called a few times a second: looks when nobody would wake it, and confirms. Never rejects. */
  tick(): Promise<void>;
  /** How many follow. */
  size(): number;
  /** Ends all followers; later ones are ended at once. */
  stop(): void;
}

/** How often a follower hears that nothing is missing, in seconds. */
export const CONFIRM_SECONDS = 5;

/** Events between two turns for the sockets: the largest there can be, about 11 KB each, fit into a stream's buffer. */
const PAGE = 50;
/** A follower that is further behind reads anew what it holds: cheaper for both. */
const MAX_REPLAYED = 20_000;
/** A follower that has not taken the past within this does not read. */
const REPLAY_MILLIS = 60_000;
/** Notifications that come closer together than this are answered by one look. */
const LOOK_GAP_MILLIS = 20;

interface Following {
  readonly follower: EventFollower;
  readonly sinceMillis: number;
  /** What came in while the past is still being delivered; `null` when that is done. */
  pending: LoggedEvent[] | null;
}

/** Lets the sockets take what was written. */
const giveTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const createEventFeed = ({
  events,
  isListening,
  monotonicMillis,
  sleep,
  log,
}: {
  readonly events: Pick<EventLog, 'numberEvents' | 'eventsAfter' | 'placeAt'>;
  /** Whether `wake` is called for each commit; where not, every tick looks. */
  readonly isListening: () => boolean;
  readonly monotonicMillis: () => number;
  readonly sleep: Sleep;
  readonly log: Logger;
}): EventFeed => {
  const followings = new Map<EventFollower, Following>();
  /** Up to here all followers have been told. */
  let head: EventCursor = { position: 0, eventId: null };
  /** Nobody followed until now: what was written meanwhile is of no interest. */
  let isFirst = false;
  /** Whether the database has to show that it is the one that was read before. */
  let isDoubtful = false;
  let looking: Promise<void> | null = null;
  let nextLook: Promise<void> | null = null;
  let ticking: Promise<void> | null = null;
  let confirmedAtMillis = Number.NEGATIVE_INFINITY;
  let isFailing = false;
  let isStopped = false;

  const end = ({ follower }: Following): void => {
    followings.delete(follower);
    follower.end();
  };

  const tell = (logged: LoggedEvent): void => {
    for (const following of followings.values()) {
      if (!following.pending) following.follower.deliver(logged);
      else if (following.pending.length < MAX_REPLAYED) following.pending.push(logged);
      else end(following);
    }
    head = { position: logged.position, eventId: logged.event.id };
  };

  const startAt = async (top: number): Promise<void> => {
    head = { position: top, eventId: (await events.placeAt(top)).eventId };
  };

  /** A standby that was behind, or a backup, has taken the database's place: it gives the same positions to other events. */
  const isAnother = async (top: number): Promise<boolean> => {
    if (top < head.position) return true;
    if (!isDoubtful || head.eventId === null) return false;
    const { eventId } = await events.placeAt(head.position);
    return eventId !== null && eventId !== head.eventId;
  };

  const lookOnce = async (): Promise<void> => {
    try {
      const top = await events.numberEvents();
      if (isFirst) {
        isFirst = false;
        await startAt(top);
      } else if (await isAnother(top)) {
        log.warn('the database has other events than before: all streams begin anew');
        for (const following of [...followings.values()]) end(following);
        await startAt(top);
      }
      isDoubtful = false;
      while (head.position < top) {
        const page = await events.eventsAfter(head.position, PAGE);
        for (const logged of page) tell(logged);
        if (page.length < PAGE) return;
        await giveTurn();
      }
    } catch (error) {
      isDoubtful = true;
      throw error;
    } finally {
      looking = null;
    }
  };

  /**
   * Looks, with all that was committed before the call. Whoever asks while a look is under way waits for the next one,
   * which is one for all who asked, and never for a second.
   */
  const look = (): Promise<void> => {
    if (!looking) {
      looking = lookOnce();
      return looking;
    }
    nextLook ??= looking
      .catch(() => undefined)
      .then(() => sleep(LOOK_GAP_MILLIS))
      .then(() => {
        nextLook = null;
        // What runs now has begun after the call.
        return looking ?? look();
      });
    return nextLook;
  };

  /** Whether everything after the cursor can still be told, and is little enough. */
  const canResume = async ({ position, eventId }: EventCursor, upTo: number): Promise<boolean> => {
    if (position > upTo || upTo - position > MAX_REPLAYED) return false;
    const place = await events.placeAt(position);
    return place.eventId === eventId && place.sweptUpTo <= position;
  };

  const replay = async (follower: EventFollower, after: number, upTo: number): Promise<void> => {
    let at = after;
    while (at < upTo && followings.has(follower)) {
      const page = await events.eventsAfter(at, PAGE);
      for (const logged of page) if (logged.position <= upTo) follower.deliver(logged);
      at = page.at(-1)?.position ?? upTo;
      await follower.drained();
    }
  };

  const begin = async (following: Following, after: EventCursor | null): Promise<void> => {
    const { follower } = following;
    await look();
    // In one turn: all that was told until now lies at or before the head.
    const start = head;
    following.pending = [];
    const resumed = after !== null && (await canResume(after, start.position));
    if (!followings.has(follower)) return;
    follower.begin(resumed ? after : start, resumed);
    if (resumed) await replay(follower, after.position, start.position);
    while (following.pending.length > 0) {
      for (const logged of following.pending.splice(0, PAGE)) follower.deliver(logged);
      await follower.drained();
    }
    following.pending = null;
  };

  const trouble = (error: unknown): void => {
    if (!isFailing) log.error({ error: errorSummary(error) }, 'events can not be read');
    isFailing = true;
  };

  const confirmAll = (): void => {
    confirmedAtMillis = monotonicMillis();
    for (const following of [...followings.values()]) {
      if (!following.pending) following.follower.confirm();
      else if (confirmedAtMillis - following.sinceMillis > REPLAY_MILLIS) end(following);
    }
  };

  const tickOnce = async (): Promise<void> => {
    const isDue = monotonicMillis() - confirmedAtMillis >= CONFIRM_SECONDS * 1_000;
    if (followings.size === 0 || (isListening() && !isDue)) return;
    isDoubtful ||= isDue;
    try {
      await look();
      isFailing = false;
      if (isDue) confirmAll();
    } catch (error) {
      trouble(error);
    }
  };

  return {
    async follow(follower, after) {
      if (isStopped) {
        follower.end();
        return;
      }
      const following: Following = { follower, sinceMillis: monotonicMillis(), pending: [] };
      isFirst ||= followings.size === 0;
      followings.set(follower, following);
      try {
        await begin(following, after);
      } catch (error) {
        followings.delete(follower);
        throw error;
      }
    },
    leave(follower) {
      followings.delete(follower);
    },
    wake() {
      if (followings.size > 0) look().catch(trouble);
    },
    tick() {
      // One that takes longer than the time between two is not followed by others.
      ticking ??= tickOnce().finally(() => {
        ticking = null;
      });
      return ticking;
    },
    size: () => followings.size,
    stop() {
      isStopped = true;
      for (const following of [...followings.values()]) end(following);
    },
  };
};
