import { errorName } from '../errors/error-name.js';
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
  /** No more will come: the server stops. */
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

const PAGE = 500;
/** A follower that is further behind reads anew what it holds: cheaper for both. */
const MAX_REPLAYED = 20_000;
/** Notifications that come closer together than this are answered by one look. */
const LOOK_GAP_MILLIS = 20;

interface Following {
  readonly follower: EventFollower;
  /** What came in while the past is still being delivered; `null` when that is done. */
  pending: LoggedEvent[] | null;
}

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
  const followings = new Set<Following>();
  /** Up to here all followers have been told. */
  let head = 0;
  /** Nobody followed until now: what was written meanwhile is of no interest. */
  let isFirst = false;
  let looking: Promise<void> | null = null;
  let isAskedAgain = false;
  let confirmedAtMillis = Number.NEGATIVE_INFINITY;
  let isFailing = false;
  let isStopped = false;

  const tell = (logged: LoggedEvent): void => {
    for (const { follower, pending } of followings) {
      if (pending) pending.push(logged);
      else follower.deliver(logged);
    }
  };

  const lookOnce = async (): Promise<void> => {
    const top = await events.numberEvents();
    if (isFirst) {
      isFirst = false;
      head = top;
    }
    while (head < top) {
      const page = await events.eventsAfter(head, PAGE);
      for (const logged of page) tell(logged);
      head = page.at(-1)?.position ?? top;
    }
  };

  const lookUntilQuiet = async (): Promise<void> => {
    try {
      for (;;) {
        isAskedAgain = false;
        await lookOnce();
        if (!isAskedAgain) return;
        await sleep(LOOK_GAP_MILLIS);
      }
    } finally {
      // In the same turn as the last question: who asks after it begins a look of its own.
      looking = null;
    }
  };

  /** Looks, with all that was committed before the call; looks that are asked for at once are one. */
  const look = (): Promise<void> => {
    isAskedAgain = true;
    looking ??= lookUntilQuiet();
    return looking;
  };

  /** Whether everything after the cursor can still be told, and is little enough. */
  const canResume = async ({ position, eventId }: EventCursor, upTo: number): Promise<boolean> => {
    if (position > upTo || upTo - position > MAX_REPLAYED) return false;
    const place = await events.placeAt(position);
    return place.eventId === eventId && place.sweptUpTo <= position;
  };

  const replay = async (following: Following, after: number, upTo: number): Promise<void> => {
    let at = after;
    while (at < upTo && followings.has(following)) {
      const page = await events.eventsAfter(at, PAGE);
      for (const logged of page) if (logged.position <= upTo) following.follower.deliver(logged);
      at = page.at(-1)?.position ?? upTo;
      await following.follower.drained();
    }
  };

  const begin = async (following: Following, after: EventCursor | null): Promise<void> => {
    const { follower } = following;
    await look();
    // Nothing is told between the end of the look and here: what is pending came before, or is told by the replay.
    const start = head;
    following.pending = [];
    const resumed = after !== null && (await canResume(after, start));
    const { eventId } = resumed ? after : await events.placeAt(start);
    if (!followings.has(following)) return;
    follower.begin({ position: resumed ? after.position : start, eventId }, resumed);
    if (resumed) await replay(following, after.position, start);
    const missed = following.pending;
    following.pending = null;
    for (const logged of missed) follower.deliver(logged);
  };

  const find = (follower: EventFollower): Following | undefined =>
    [...followings].find((following) => following.follower === follower);

  const trouble = (error: unknown): void => {
    if (!isFailing) log.error({ error: errorName(error) }, 'events can not be read');
    isFailing = true;
  };

  return {
    async follow(follower, after) {
      if (isStopped) {
        follower.end();
        return;
      }
      const following: Following = { follower, pending: [] };
      isFirst ||= followings.size === 0;
      followings.add(following);
      try {
        await begin(following, after);
      } catch (error) {
        followings.delete(following);
        throw error;
      }
    },
    leave(follower) {
      const following = find(follower);
      if (following) followings.delete(following);
    },
    wake() {
      if (followings.size > 0) look().catch(trouble);
    },
    async tick() {
      if (followings.size === 0) return;
      const isDue = monotonicMillis() - confirmedAtMillis >= CONFIRM_SECONDS * 1_000;
      if (isListening() && !isDue) return;
      try {
        await look();
        isFailing = false;
      } catch (error) {
        trouble(error);
        return;
      }
      if (!isDue) return;
      confirmedAtMillis = monotonicMillis();
      for (const { follower, pending } of followings) if (!pending) follower.confirm();
    },
    size: () => followings.size,
    stop() {
      isStopped = true;
      for (const { follower } of followings) follower.end();
      followings.clear();
    },
  };
};
