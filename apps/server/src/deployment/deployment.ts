import type { DatabaseProof } from '../db/database-proof.js';

/**
 * Why nothing is refreshed: the database is another deployment's (`copied`), it went back in time (`restored`), or nothing
 * beside it says whose it is (`unknown`).
 */
export type FreezeReason = 'copied' | 'restored' | 'unknown';

/** What operators are told, by `/readyz` and the log. */
export interface DeploymentState {
  /** Of the database: `dep_…`, or the name that `AUTHPIPE_DEPLOYMENT_ID` gave it. */
  readonly deploymentId: string;
  readonly refresh: 'running' | 'frozen';
  /** `null` while it runs. */
  readonly reason: FreezeReason | null;
  /** What was found and what to do, for people. `null` while it runs. */
  readonly detail: string | null;
}

/**
 * Whose grant it is: `own`; `unproven`, which the provider is asked about before its first refresh; `foreign`, which is
 * another deployment's, and neither refreshed nor revoked from here.
 */
export type Provenance = 'own' | 'unproven' | 'foreign';

/**
 * Whether this server may act on what is in its database. A copy of the database, or a restored backup, holds refresh
 * tokens that are another server's, or were used since: sending one of them ends the grant for everybody.
 */
export interface Deployment {
  /** Whether nothing may be refreshed, and nothing revoked at a provider. */
  isFrozen(): boolean;
  state(): DeploymentState;
  /**
   * What the database was known by last, less what it may lose by itself. Between two looks at it a copy or a backup may
   * be put in its place: a statement that has the proof in its condition does nothing there. `null` while frozen.
   */
  proof(): DatabaseProof | null;
  /** By when the grant was issued, or last refreshed: `issuedAt` of its credential. */
  provenanceOf(issuedAt: Date): Provenance;
  /**
   * To be called about once a second: says in the database that its owner is alive, keeps outside of it how far it came,
   * finds out when it is exchanged under the running server, and thaws after `authpipe adopt`. Never rejects: while the
   * database is away all stays as it is.
   */
  tick(): Promise<void>;
  /** Keeps outside the database how far it came, for the next start. To be called before the database is closed. Never rejects. */
  close(): Promise<void>;
}
