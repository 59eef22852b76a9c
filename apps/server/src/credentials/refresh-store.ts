import type { Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import type { DatabaseProof } from '../db/database-proof.js';
import type { Nodes } from '../db/nodes.js';
import type { Randomness } from '../randomness.js';
import type { Vault } from '../vault/vault.js';
import { createRefreshLeaseStore } from './refresh-lease-store.js';
import { createRefreshOutcomeStore } from './refresh-outcome-store.js';

export type {
  ClaimedCredential,
  ClaimedIntegration,
  RefreshClaim,
  RefreshProgress,
} from './refresh-lease-store.js';
export { REFRESH_LEASE_SECONDS } from './refresh-lease-store.js';
export type { KeptOutcome, RefreshedCredential, RefreshFence } from './refresh-outcome-store.js';

/** The refresh side of credentials, for one owner (one process): leases, and what comes of them. */
export const createRefreshStore = (dependencies: {
  readonly db: Database;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly nodes: Nodes;
  /** What shows in each statement that matters that the database was not exchanged; `null`: nothing does. */
  readonly proof: () => DatabaseProof | null;
}) => ({ ...createRefreshLeaseStore(dependencies), ...createRefreshOutcomeStore(dependencies) });

export type RefreshStore = ReturnType<typeof createRefreshStore>;
