import type { StatusReason } from '@authpipe/types';
import { createBatch } from '../batch.js';
import { addSeconds, type Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import { type DatabaseProof, isProvenSql } from '../db/database-proof.js';
import { beatSql, isLeaseFreeSql, type Nodes } from '../db/nodes.js';
import type { Vault } from '../vault/vault.js';
import { CONNECTION_COLUMNS, CONNECTION_SOURCE } from './connection-row.js';
import type { CredentialSecrets, StoredCredential } from './credential-record.js';
import {
  CREDENTIAL_COLUMNS,
  type CredentialRow,
  credentialPlace,
  toStoredCredential,
} from './credential-row.js';

/**
 * How long one owner may take for one refresh: longer than the provider's timeout (10 s), and short of half the shortest
 * grace (30 s), so that a dead owner's refresh token is tried again while it still answers.
 */
export const REFRESH_LEASE_SECONDS = 15;

/** Statements that are joined: as many at a time as a sweep has places. */
const MAX_JOINED = 64;
const JOINED_CONCURRENCY = 2;

/** Leave to refresh one connection, held by an owner until its end. */
export interface RefreshClaim {
  readonly connectionId: string;
  readonly environment: string;
  /** Which of the connection's leases it is: what was written under an earlier one is refused. */
  readonly leaseNumber: number;
}

/** What a refresh has to know of the integration, as it was in the moment of the read. */
export interface ClaimedIntegration {
  readonly version: number;
  readonly status: 'healthy' | 'degraded';
  readonly reason: StatusReason | null;
  /** While `degraded`: when its client is tried again. */
  readonly retryAt: Date | null;
  readonly stopAfterUnusedDays: number | null;
  readonly learnedLifetimeSeconds: number | null;
}

/** A credential whose refresh this process has claimed, read again under the lease. */
export interface ClaimedCredential extends StoredCredential {
  readonly leaseNumber: number;
  /** Whether the last refresh brought another refresh token; `null`: there was none. */
  readonly rotates: boolean | null;
  /** About when it was last read. */
  readonly lastUsedAt: Date | null;
  /** When the coming end of the grant is to be told. */
  readonly expiringAt: Date | null;
  /** `null` when the connection has no OAuth client. */
  readonly integration: ClaimedIntegration | null;
  /** Seals the secrets of the next version, at once and without the database. */
  readonly sealNext: (secrets: CredentialSecrets) => Uint8Array;
}

/** What a waiter looks at. */
export interface RefreshProgress {
  readonly version: number;
  /** Whether somebody holds the leave to refresh. */
  readonly isLeased: boolean;
  readonly isDue: boolean;
}

interface ClaimedRow extends CredentialRow {
  readonly lease_number: number;
  readonly rotates: boolean | null;
  readonly last_used_at: Date | null;
  readonly expiring_at: Date | null;
  /** JSON has no dates: `retryAt` is RFC 3339. */
  readonly integration: (Omit<ClaimedIntegration, 'retryAt'> & { readonly retryAt: string | null }) | null;
}

const CLAIMED_INTEGRATION = `(SELECT json_build_object('version', i.version, 'status', i.status, 'reason', i.reason,
    'retryAt', i.retry_at, 'stopAfterUnusedDays', i.stop_after_unused_days,
    'learnedLifetimeSeconds', i.learned_lifetime_seconds)
  FROM integrations i WHERE i.id = c.integration_row_id) AS integration`;

const READ_AGAIN = `SELECT ${CONNECTION_COLUMNS}, ${CREDENTIAL_COLUMNS}, k.lease_number, k.rotates, k.last_used_at,
    k.expiring_at,
    ${CLAIMED_INTEGRATION}
  FROM ${CONNECTION_SOURCE} WHERE c.id = ANY ($1::text[]) AND k.lease_owner = $2`;

const WHERE_FREE = isLeaseFreeSql({ now: '$4', aliveSince: '$5' });

/** By their places on disk: what was just found need not be looked up again. */
const CLAIM_DUE = `UPDATE credentials k SET lease_owner = $1, lease_until = $2, lease_number = lease_number + 1
  WHERE k.ctid = ANY (ARRAY(
    SELECT k.ctid FROM credentials k WHERE k.refresh_at <= $3 AND ${WHERE_FREE}
    ORDER BY k.refresh_at LIMIT $6 FOR UPDATE SKIP LOCKED))
  RETURNING connection_id AS "connectionId", environment, lease_number AS "leaseNumber"`;

const CLAIM = `UPDATE credentials k SET lease_owner = $1, lease_until = $2, lease_number = lease_number + 1
  WHERE k.connection_id = $3 AND k.environment = $6 AND ${WHERE_FREE}
    AND ($7::boolean OR k.refresh_at <= $4 OR k.refresh_stopped_at IS NOT NULL)
  RETURNING connection_id AS "connectionId", environment, lease_number AS "leaseNumber"`;

const PROGRESS = `SELECT version, coalesce(refresh_at <= $2 OR refresh_stopped_at IS NOT NULL, false) AS "isDue",
    NOT ${isLeaseFreeSql({ now: '$2', aliveSince: '$3' })} AS "isLeased"
  FROM credentials k WHERE connection_id = $1`;

/**
 * A row that somebody else has locked at this moment counts as lost: the next sweep sees. In a database that was exchanged
 * under the running server nothing is held.
 */
const RECORD_INTENT = `WITH beat AS (${beatSql({ id: '$2', now: '$3::timestamptz' })}), held AS MATERIALIZED (
    SELECT k.connection_id, g.intent_at FROM jsonb_to_recordset($1::jsonb)
      AS g (id text, version int, lease_number int, intent_at timestamptz)
      JOIN credentials k ON k.connection_id = g.id
    WHERE k.version = g.version AND k.lease_number = g.lease_number AND k.lease_owner = $2 AND k.lease_until > $3
      AND ${isProvenSql({ deploymentId: '$5', atLeast: '$6' })}
    FOR UPDATE OF k SKIP LOCKED)
  UPDATE credentials k SET refresh_intent_at = coalesce(held.intent_at, $3), lease_until = $4,
    refresh_at = least(k.refresh_at, $3)
  FROM held WHERE k.connection_id = held.connection_id
  RETURNING k.connection_id AS "connectionId", k.lease_number AS "leaseNumber"`;

const RELEASE = `UPDATE credentials k SET lease_owner = NULL, lease_until = NULL
  FROM jsonb_to_recordset($1::jsonb) AS g (id text, lease_number int)
  WHERE k.connection_id = g.id AND k.lease_number = g.lease_number AND k.lease_owner = $2`;

const PUT_OFF = `UPDATE credentials k SET lease_owner = NULL, lease_until = NULL,
    refresh_at = CASE WHEN k.refresh_at IS NOT NULL THEN greatest(k.refresh_at, $4) END
  WHERE k.connection_id = $1 AND k.lease_number = $2 AND k.lease_owner = $3`;

const WAKE = `UPDATE credentials k SET refresh_at = $2::timestamptz + random() * make_interval(secs => $3)
  FROM connections c WHERE c.integration_row_id = $1 AND c.id = k.connection_id
    AND k.refresh_failures > 0 AND k.refresh_at > $2`;

const EXTEND = `UPDATE credentials k SET lease_until = $4
  WHERE k.connection_id = $1 AND k.lease_number = $2 AND k.lease_owner = $3 RETURNING k.connection_id`;

/** One process may come to hold two leases of one connection, of which the older has run out. */
const leaseKey = (connectionId: string, leaseNumber: number): string => `${connectionId} ${leaseNumber}`;

const leaseOf = ({ connectionId, leaseNumber }: RefreshClaim) => ({
  id: connectionId,
  lease_number: leaseNumber,
});

/** Leave to refresh: claimed, read again under, proved as the request is sent, and given back. */
export const createRefreshLeaseStore = ({
  db,
  vault,
  clock,
  nodes,
  proof,
}: {
  readonly db: Database;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly nodes: Nodes;
  /** `null` while the database may be another's. */
  readonly proof: () => DatabaseProof | null;
}) => {
  const leaseEnd = (): Date => addSeconds(clock.now(), REFRESH_LEASE_SECONDS);

  const toClaimed = async ({ integration, ...row }: ClaimedRow): Promise<ClaimedCredential> => {
    const { id, environment, tenant_id: tenantId, version } = row;
    const identity = { id, environment, tenantId };
    const opened = await vault.openForChange(credentialPlace(identity, version), row.envelope);
    return {
      ...toStoredCredential(row, JSON.parse(opened.plaintext) as CredentialSecrets),
      leaseNumber: row.lease_number,
      rotates: row.rotates,
      lastUsedAt: row.last_used_at,
      expiringAt: row.expiring_at,
      integration: integration && {
        ...integration,
        retryAt: integration.retryAt === null ? null : new Date(integration.retryAt),
      },
      sealNext: (secrets) => opened.seal(credentialPlace(identity, version + 1), JSON.stringify(secrets)),
    };
  };

  const readRows = createBatch<RefreshClaim, ClaimedRow | null>({
    maxItems: MAX_JOINED,
    concurrency: JOINED_CONCURRENCY,
    run: async (claims) => {
      const ids = claims.map(({ connectionId }) => connectionId);
      const rows = await db.query<ClaimedRow>('refresh_read_again', READ_AGAIN, [ids, nodes.id]);
      const byId = new Map(rows.map((row) => [row.id, row]));
      return claims.map(({ connectionId, leaseNumber }) => {
        const row = byId.get(connectionId);
        return row?.lease_number === leaseNumber ? row : null;
      });
    },
  });

  const recordIntent = createBatch<ClaimedCredential, boolean>({
    maxItems: MAX_JOINED,
    concurrency: JOINED_CONCURRENCY,
    run: async (claimed) => {
      const given = claimed.map(({ connection: { id }, version, leaseNumber, refreshIntentAt }) => ({
        ...{ id, version, lease_number: leaseNumber, intent_at: refreshIntentAt },
      }));
      const known = proof();
      const values = [JSON.stringify(given), nodes.id, clock.now(), leaseEnd()];
      const proven = [known?.deploymentId ?? null, known?.atLeast ?? null];
      const rows = await db.query<Pick<RefreshClaim, 'connectionId' | 'leaseNumber'>>(
        'refresh_intent',
        RECORD_INTENT,
        [...values, ...proven],
      );
      const held = new Set(rows.map((row) => leaseKey(row.connectionId, row.leaseNumber)));
      return claimed.map(({ connection, leaseNumber }) => held.has(leaseKey(connection.id, leaseNumber)));
    },
  });

  return {
    /**
     * Claims what is due at `now`, most overdue first: one indexed statement, any number of replicas at once. Never more
     * than can be begun at once, since the lease runs from here.
     */
    claimDueRefreshes: (now: Date, limit: number): Promise<RefreshClaim[]> =>
      db.query<RefreshClaim>('refresh_claim_due', CLAIM_DUE, [
        ...[nodes.id, leaseEnd(), now, clock.now(), nodes.aliveSince(), limit],
      ]),

    /** Claims one, if nobody holds it and it is due, or if `force` says so; `null` when not. */
    async claimRefresh(
      { connectionId, environment }: Pick<RefreshClaim, 'connectionId' | 'environment'>,
      { force }: { force: boolean },
    ): Promise<RefreshClaim | null> {
      const values = [
        nodes.id,
        leaseEnd(),
        connectionId,
        clock.now(),
        nodes.aliveSince(),
        environment,
        force,
      ];
      const [claim] = await db.query<RefreshClaim>('refresh_claim', CLAIM, values);
      return claim ?? null;
    },

    /** The credential as it is under the lease; `null` when the connection is gone, or the lease. */
    async readClaimed(claim: RefreshClaim): Promise<ClaimedCredential | null> {
      const row = await readRows(claim);
      return row && toClaimed(row);
    },

    /** How far somebody else's refresh is; `null` when the connection is gone. */
    async refreshProgress(connectionId: string): Promise<RefreshProgress | null> {
      const values = [connectionId, clock.now(), nodes.aliveSince()];
      const [row] = await db.query<RefreshProgress>('refresh_progress', PROGRESS, values);
      return row ?? null;
    },

    /**
     * Records that the provider is about to be called, proves that this process runs, and renews the lease. An intent that
     * was read under the lease stays on record; one that is left out of `claimed` since it is void is replaced. False: the
     * lease or the version is lost, or the database is another by now, and the provider must not be called.
     */
    recordIntent,

    /** Has the connections of an integration whose refresh failed tried again, spread over `spreadSeconds`. */
    async wakeConnectionsOf(integrationRowId: string, spreadSeconds: number): Promise<void> {
      const values = [integrationRowId, clock.now(), spreadSeconds];
      await db.query('refresh_wake', WAKE, values, { mayTakeLong: true });
    },

    /**
     * Hands back the lease of a credential that can't be opened, so that its version is not known, and puts what is due off
     * until `refreshAt` at least: what is most overdue is claimed first, and would be claimed again and again.
     */
    async putOffClaim({ connectionId, leaseNumber }: RefreshClaim, refreshAt: Date): Promise<void> {
      await db.query('refresh_put_off', PUT_OFF, [connectionId, leaseNumber, nodes.id, refreshAt]);
    },

    /** Begins the time of a lease anew, while others are asked before a verdict. False: it is somebody else's by now. */
    async extendLease({ connection: { id }, leaseNumber }: ClaimedCredential): Promise<boolean> {
      const rows = await db.query('refresh_extend', EXTEND, [id, leaseNumber, nodes.id, leaseEnd()]);
      return rows.length > 0;
    },

    /** Hands leases back: they are free for others at once. Those that went to others meanwhile are left alone. */
    async releaseRefreshes(claims: readonly RefreshClaim[]): Promise<void> {
      if (claims.length === 0) return;
      await db.query('refresh_release', RELEASE, [JSON.stringify(claims.map(leaseOf)), nodes.id]);
    },
  };
};

export type RefreshLeaseStore = ReturnType<typeof createRefreshLeaseStore>;
