import type { DatabaseClock, MonotonicMillis } from '../db/database-clock.js';
import { BEAT_SECONDS, type Nodes } from '../db/nodes.js';
import { errorSummary } from '../errors/error-summary.js';
import type { Logger } from '../log/logger.js';

export interface HeartbeatDependencies {
  readonly nodes: Nodes;
  readonly clock: DatabaseClock;
  readonly monotonicMillis: MonotonicMillis;
  /** What every beat does beside, once the database has answered. Rejects when the database went away meanwhile. */
  readonly onBeat: () => Promise<void>;
  /** Other servers have died: what they held is due. */
  readonly onDeath: () => void;
  readonly log: Logger;
}

/** The beat of this process. */
export interface Heartbeat {
  /** One beat; never rejects. Beats that overlap are one. */
  beat(): Promise<void>;
  /** Beats no more, and takes this process off the list of those that run. */
  stop(): Promise<void>;
}

/**
 * Says once a second that this process runs, reads the database's clock, and does what is due with every beat. An outage
 * of the database is told once, and its end.
 */
export const createHeartbeat = ({
  nodes,
  clock,
  monotonicMillis,
  onBeat,
  onDeath,
  log,
}: HeartbeatDependencies): Heartbeat => {
  let beating: Promise<void> | null = null;
  let isAway = false;
  /** Deaths that nobody was told of yet. */
  let untold = 0;

  const beatOnce = async (): Promise<void> => {
    const askedAtMillis = monotonicMillis();
    try {
      const { databaseTime, died } = await nodes.beat();
      clock.correct(databaseTime, askedAtMillis, monotonicMillis());
      if (isAway) log.warn('the database is back');
      isAway = false;
      untold += died;
      await onBeat();
      if (untold > 0) {
        log.info({ died: untold }, 'other servers have ended without a word: what they held is taken over');
        untold = 0;
        onDeath();
      }
    } catch (error) {
      if (!isAway) log.error({ error: errorSummary(error) }, 'the database does not answer');
      isAway = true;
    }
  };

  return {
    beat() {
      beating ??= beatOnce().finally(() => {
        beating = null;
      });
      return beating;
    },
    async stop() {
      await beating;
      await nodes.leave().catch(() => undefined);
    },
  };
};

/** Beats at once and then every second, until `stop`. */
export const startHeartbeat = async (heartbeat: Heartbeat): Promise<{ stop: () => Promise<void> }> => {
  await heartbeat.beat();
  const timer = setInterval(() => void heartbeat.beat(), BEAT_SECONDS * 1000).unref();
  return {
    async stop() {
      clearInterval(timer);
      await heartbeat.stop();
    },
  };
};
