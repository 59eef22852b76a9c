import type { Database } from '../db/database.js';

const TAKE = `UPDATE integrations SET retry_at = $3
  WHERE id = $1 AND status = 'degraded' AND (retry_at IS NULL OR retry_at <= $2) RETURNING id`;

const LEARN = `UPDATE integrations SET learned_lifetime_seconds = $2
  WHERE id = $1 AND (learned_lifetime_seconds IS NULL OR learned_lifetime_seconds > $2)`;

/** What one refresh finds out for all connections of an integration. */
export const createClientTrials = (db: Database) => ({
  /**
   * Leave to try a client that the provider refused, for one caller over all replicas; the next trial is at `nextAt`.
   * False: it is not time yet, or somebody else is at it.
   */
  async takeClientTrial(rowId: string, now: Date, nextAt: Date): Promise<boolean> {
    return (await db.query('integration_trial', TAKE, [rowId, now, nextAt])).length > 0;
  },

  /** Notes how long access tokens live whose end nobody tells: the shortest time that was seen. */
  async learnLifetime(rowId: string, seconds: number): Promise<void> {
    await db.query('integration_learn', LEARN, [rowId, seconds]);
  },
});

export type ClientTrials = ReturnType<typeof createClientTrials>;
