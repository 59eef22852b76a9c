import type { NotificationListener } from '../db/notification-listener.js';
import type { EventFeed } from './event-feed.js';

/** How often a feed is ticked: what nobody was notified of is told within this. */
const TICK_MILLIS = 250;

/** Wakes a feed with each commit and ticks it, until `stop`, which ends its followers. Others may be woken too. */
export const startEventFeed = async (
  feed: EventFeed,
  notifications: NotificationListener,
  wakeOthers: () => void = () => {},
): Promise<{ stop: () => Promise<void> }> => {
  await notifications.start(() => {
    feed.wake();
    wakeOthers();
  });
  const timer = setInterval(() => void feed.tick(), TICK_MILLIS).unref();
  return {
    async stop() {
      clearInterval(timer);
      feed.stop();
      await notifications.stop();
    },
  };
};
