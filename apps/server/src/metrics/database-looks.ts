import { withinMillis } from '../deadline.js';
import { errorSummary } from '../errors/error-summary.js';
import type { Logger } from '../log/logger.js';

/** All looks of a scrape run at once, and most scrapers wait for ten seconds. */
const PATIENCE_MILLIS = 3_000;

/** Looks at the database on behalf of metrics. */
export interface DatabaseLooks {
  /** What a look finds; `null` where the database is away, or does not answer in time. Never rejects. */
  read<Found>(name: string, look: () => Promise<Found>): Promise<Found | null>;
}

/**
 * Lets metrics be told while the database is away: what is read from it has no value then, and all else is told. The log
 * has a line when the first look fails, and none for those that fail with it.
 */
export const createDatabaseLooks = ({
  log,
  patienceMillis = PATIENCE_MILLIS,
}: {
  readonly log: Pick<Logger, 'warn'>;
  readonly patienceMillis?: number;
}): DatabaseLooks => {
  const failing = new Set<string>();
  return {
    async read(name, look) {
      try {
        const found = await withinMillis(patienceMillis, look());
        failing.delete(name);
        return found;
      } catch (error) {
        if (failing.size === 0)
          log.warn({ look: name, error: errorSummary(error) }, 'metrics can not be read from the database');
        failing.add(name);
        return null;
      }
    },
  };
};
