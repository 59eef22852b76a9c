import type { Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import type { Nodes } from '../db/nodes.js';
import type { Logger } from '../log/logger.js';
import type { GuardedFetch } from '../oauth/guarded-fetch.js';
import type { Randomness } from '../randomness.js';
import type { Sleep } from '../sleep.js';
import { createDeliveryList } from './delivery-list.js';
import { createDispatcher } from './dispatcher.js';
import type { EndpointStore } from './endpoint-store.js';
import { createEventQueue, type WebhookBacklog } from './event-queue.js';
import { createLaneStore } from './lane-store.js';
import { createReplay } from './replay.js';
import { createRunLane, type DeliveryResult } from './run-lane.js';
import { createSendWebhook } from './send-webhook.js';

export interface WebhooksDependencies {
  readonly db: Database;
  readonly endpoints: EndpointStore;
  readonly nodes: Pick<Nodes, 'id' | 'aliveSince'>;
  /** With `WEBHOOK_TIMEOUT_MILLIS`. */
  readonly fetch: GuardedFetch;
  readonly isFrozen: () => boolean;
  /** Whether what was set up at this time is another deployment's: this database is a copy of it. */
  readonly isForeign: (enabledAt: Date) => boolean;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly sleep: Sleep;
  readonly log: Logger;
}

/** What operators are told of webhooks, over all servers. */
export interface WebhookFigures extends WebhookBacklog {
  /** Age of the oldest event that was not delivered yet, but for replays, in seconds. */
  readonly lagSeconds: number;
}

/** Outgoing webhooks in this process; any number of processes share the work. */
export const createWebhooks = (dependencies: WebhooksDependencies) => {
  const { db, endpoints, nodes, fetch, isFrozen, isForeign, clock, randomness, sleep, log } = dependencies;
  const results = new Map<DeliveryResult, number>();
  const queue = createEventQueue({ db });
  const lanes = createLaneStore({ db, clock, randomness, nodes });
  const list = createDeliveryList({ db, clock });
  const queueEvents = (): Promise<boolean> => queue.queueEvents(clock.now());

  const runLane = createRunLane({
    lanes,
    openSecrets: endpoints.openSecrets,
    send: createSendWebhook({ fetch, clock }),
    isForeign,
    isStopping: () => dispatcher.isStopping(),
    note: (result) => results.set(result, (results.get(result) ?? 0) + 1),
    ...{ clock, randomness, log },
  });
  const dispatcher = createDispatcher({
    queueEvents,
    claimLanes: lanes.claimLanes,
    runLane,
    ...{ isFrozen, sleep, log },
  });

  return {
    ...createReplay({ db, clock }),
    listDeliveries: list.listDeliveries,
    /** Queues what the outbox holds, then forgets old deliveries: to be called before the outbox is swept. */
    async sweep(now: Date): Promise<void> {
      await queue.queueEvents(now, true);
      await list.sweepDeliveries(now);
    },
    async figures(): Promise<WebhookFigures> {
      const backlog = await queue.backlog();
      const age = backlog.oldest === null ? 0 : clock.now().getTime() - backlog.oldest.getTime();
      return { ...backlog, lagSeconds: Math.max(0, age / 1_000) };
    },
    /** Attempts of this process, by how they ended. */
    results: (): ReadonlyMap<DeliveryResult, number> => results,
    tick: dispatcher.tick,
    wake: dispatcher.wake,
    settled: dispatcher.settled,
    stop: dispatcher.stop,
  };
};

export type Webhooks = ReturnType<typeof createWebhooks>;
