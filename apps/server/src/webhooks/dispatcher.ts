import { errorSummary } from '../errors/error-summary.js';
import type { Logger } from '../log/logger.js';
import type { Sleep } from '../sleep.js';
import type { LaneClaim } from './lane-store.js';

/** Commits that come closer together than this are answered by one look. */
const LOOK_GAP_MILLIS = 50;
/** A stop waits for answers so long, and no longer: what is not written down is sent again elsewhere. */
const STOP_MILLIS = 8_000;

export interface DispatcherDependencies {
  /** Queues what was committed. Whether there is anybody to send to. */
  readonly queueEvents: () => Promise<boolean>;
  readonly claimLanes: (busy: ReadonlyMap<string, number>) => Promise<readonly LaneClaim[]>;
  readonly runLane: (claim: LaneClaim) => Promise<void>;
  /** Nothing may be sent: whose database this is has to be settled first. */
  readonly isFrozen: () => boolean;
  readonly sleep: Sleep;
  readonly log: Logger;
}

/** Sends webhooks as long as the process runs. */
export interface Dispatcher {
  /** Looks for what is due and begins to send it. To be called about once a second. Never rejects. */
  tick(): Promise<void>;
  /** Something was committed: looks, unless nobody is to be told. */
  wake(): void;
  /** Resolves when nothing is under way any more. */
  settled(): Promise<void>;
  isStopping(): boolean;
  /** Begins nothing more, and waits up to 8 s for what is under way. Never rejects. */
  stop(): Promise<void>;
}

/** One look at a time; what is sent runs beside it, so that no endpoint waits for another. */
export const createDispatcher = ({
  queueEvents,
  claimLanes,
  runLane,
  isFrozen,
  sleep,
  log,
}: DispatcherDependencies): Dispatcher => {
  const running = new Map<Promise<void>, string>();
  let looking: Promise<void> | null = null;
  let isAskedAgain = false;
  let hasEndpoints = false;
  let isFailing = false;
  let isStopping = false;

  const busy = (): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const endpointId of running.values()) counts.set(endpointId, (counts.get(endpointId) ?? 0) + 1);
    return counts;
  };

  const trouble = (error: unknown): void => {
    if (!isFailing) log.error({ error: errorSummary(error) }, 'webhooks can not be read or written down');
    isFailing = true;
  };

  const start = (claim: LaneClaim): void => {
    const run = runLane(claim)
      .then(
        () => true,
        (error: unknown) => {
          trouble(error);
          return false;
        },
      )
      .then((isWell) => {
        running.delete(run);
        // Its place is free for another lane. After trouble the next tick is soon enough.
        if (isWell) wake();
      });
    running.set(run, claim.endpointId);
  };

  const lookOnce = async (): Promise<void> => {
    try {
      hasEndpoints = await queueEvents();
      if (!hasEndpoints || isStopping) return;
      for (const claim of await claimLanes(busy())) start(claim);
      isFailing = false;
    } catch (error) {
      trouble(error);
    }
  };

  const look = async (): Promise<void> => {
    await lookOnce();
    while (isAskedAgain && !isStopping) {
      isAskedAgain = false;
      await sleep(LOOK_GAP_MILLIS);
      await lookOnce();
    }
  };

  const tick = (): Promise<void> => {
    if (isStopping || isFrozen()) return Promise.resolve();
    if (looking) isAskedAgain = true;
    looking ??= look().finally(() => {
      looking = null;
      isAskedAgain = false;
    });
    return looking;
  };

  const wake = (): void => {
    if (hasEndpoints) void tick();
  };

  const settled = async (): Promise<void> => {
    while (running.size > 0 || looking) await Promise.all([looking, ...running.keys()]);
  };

  return {
    tick,
    wake,
    settled,
    isStopping: () => isStopping,
    async stop() {
      isStopping = true;
      await Promise.race([settled(), sleep(STOP_MILLIS)]);
    },
  };
};
