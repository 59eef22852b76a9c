import type { ClientRegistry } from './client-registry.js';
import type { OrgClock } from './clock.js';
import type { OrgCounters } from './counters.js';
import type { Directory } from './directory.js';
import type { FaultQueue } from './faults.js';
import type { TokenSettings } from './settings.js';
import type { OrgStore } from './store.js';
import type { TokenJournal } from './token-journal.js';

/** What the org wants of proofs of possession. */
export interface DpopSettings {
  /** Whether the token endpoint refuses a proof without its nonce. */
  nonceRequired: boolean;
}

/** Everything one running org is made of. The pages, the API and the control all work on it. */
export interface OrgState {
  /** The org's URL, without a trailing slash. Also its issuer. */
  readonly issuer: string;
  readonly clock: OrgClock;
  readonly settings: TokenSettings;
  readonly dpop: DpopSettings;
  /** How often one endpoint may be called. */
  readonly callsPerMinute: number;
  readonly store: OrgStore;
  readonly directory: Directory;
  readonly clients: ClientRegistry;
  readonly faults: FaultQueue;
  readonly counters: OrgCounters;
  readonly journal: TokenJournal;
}
