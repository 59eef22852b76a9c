import type { WebhookEndpointRequest, WebhookEndpointWithSecret } from '@authpipe/types';
import type { Database } from '../../src/db/database.js';
import { createNodes } from '../../src/db/nodes.js';
import { createGuardedFetch } from '../../src/oauth/guarded-fetch.js';
import { newId, type Randomness, systemRandomness } from '../../src/randomness.js';
import { openVault } from '../../src/vault/open-vault.js';
import { rootKeyOf } from '../../src/vault/root-key.js';
import { createWebhooks } from '../../src/webhooks/create-webhooks.js';
import { createEndpointStore } from '../../src/webhooks/endpoint-store.js';
import { recordingLog } from './connect-world.js';
import { type Receiver, startReceiver } from './webhook-receiver.js';
import { type TestClock, testClock } from './world.js';

/** Ample, so that a busy machine is not taken for a receiver that hangs. */
const TIMEOUT_MILLIS = 30_000;
/** For receivers that do hang: each costs so much. */
export const IMPATIENT = { timeoutMillis: 500 } as const;

export interface WebhookWorldOptions {
  readonly clock?: TestClock;
  readonly allowLoopback?: boolean;
  /** Whether it says that it runs: a dead process does not. */
  readonly isBeating?: () => boolean;
  readonly isFrozen?: () => boolean;
  readonly isForeign?: (enabledAt: Date) => boolean;
  /** How long a receiver is waited for, in real time. */
  readonly timeoutMillis?: number;
  readonly resolve?: (hostname: string) => Promise<{ address: string; family: number }[]>;
}

/** One server, as far as webhooks are concerned. Two on one database and clock are two replicas. */
export const startWebhookWorld = async (db: Database, options: WebhookWorldOptions = {}) => {
  const { clock = testClock(), allowLoopback = true, isBeating = () => true } = options;
  const { isFrozen = () => false, isForeign = () => false, resolve } = options;
  const { timeoutMillis = TIMEOUT_MILLIS } = options;
  const { lines, log } = recordingLog();
  const randomness: Randomness = { ...systemRandomness, fraction: () => 0 };
  const nodes = createNodes({ db, clock, id: newId('node', randomness) });
  const vault = await openVault({ db, rootKeys: [rootKeyOf(Buffer.alloc(32, 7))], clock, randomness });
  const endpoints = createEndpointStore({ db, vault, clock, randomness, allowLoopback });
  const webhooks = createWebhooks({
    ...{ db, endpoints, nodes, isFrozen, isForeign, clock, randomness, log },
    fetch: createGuardedFetch({
      ...{ allowLoopback, log, timeoutMillis },
      ...(resolve ? { resolve } : {}),
    }),
    sleep: async () => {},
  });
  const receivers: Receiver[] = [];

  const tick = async (): Promise<void> => {
    if (isBeating()) await nodes.beat();
    await webhooks.tick();
  };
  /** Sends all that is due now. */
  const run = async (): Promise<void> => {
    await tick();
    await webhooks.settled();
  };
  const nextDue = async (): Promise<Date | null> => {
    const [row] = await db.query<{ at: Date | null }>(
      'test_next_due',
      `SELECT min(greatest(l.due_at, e.retry_at)) AS at FROM webhook_lanes l
       JOIN webhook_endpoints e ON e.id = l.endpoint_id WHERE e.enabled AND l.pending > 0`,
      [],
    );
    return row?.at ?? null;
  };

  return {
    clock,
    endpoints,
    webhooks,
    nodes,
    tick,
    run,
    logText: () => lines.join('\n'),
    /** Lets time pass, from one due attempt to the next. */
    async pass(seconds: number): Promise<void> {
      const end = clock.now().getTime() + seconds * 1_000;
      await run();
      for (;;) {
        const at = (await nextDue())?.getTime() ?? Number.POSITIVE_INFINITY;
        const now = clock.now().getTime();
        clock.move((Math.min(Math.max(at, now), end) - now) / 1_000);
        await run();
        if (at >= end) return;
      }
    },
    /** A receiver with an endpoint of its own. */
    async listen(
      request: Partial<WebhookEndpointRequest> = {},
    ): Promise<{ receiver: Receiver; endpoint: WebhookEndpointWithSecret }> {
      const receiver = await startReceiver(clock);
      receivers.push(receiver);
      const endpoint = await endpoints.createEndpoint('test', { url: receiver.url, ...request });
      receiver.secret = endpoint.secret;
      return { receiver, endpoint };
    },
    async stop(): Promise<void> {
      await Promise.all(receivers.map((receiver) => receiver.stop()));
      await webhooks.stop();
    },
  };
};

export type WebhookWorld = Awaited<ReturnType<typeof startWebhookWorld>>;
