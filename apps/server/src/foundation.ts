import type { ApiKeys } from './access/api-key-store.js';
import type { Config } from './config/read-config.js';
import type { Database } from './db/database.js';
import type { DatabaseClock, MonotonicMillis } from './db/database-clock.js';
import type { Deployment } from './deployment/deployment.js';
import type { Logger } from './log/logger.js';
import type { Metrics } from './metrics/create-metrics.js';
import type { Randomness } from './randomness.js';
import type { Sleep } from './sleep.js';
import type { Vault } from './vault/vault.js';

/** What the rooms stand on. */
export interface Foundation {
  readonly config: Config;
  readonly db: Database;
  readonly vault: Vault;
  readonly apiKeys: ApiKeys;
  /** Whether the database is this server's to act on. */
  readonly deployment: Deployment;
  readonly metrics: Metrics;
  readonly clock: DatabaseClock;
  readonly monotonicMillis: MonotonicMillis;
  /** The machine's own clock. */
  readonly wallMillis: () => number;
  readonly randomness: Randomness;
  readonly sleep: Sleep;
  readonly log: Logger;
  readonly version: string;
  /** What `apps/web` built. */
  readonly webFolder: string;
}
