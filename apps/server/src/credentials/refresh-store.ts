import type { StatusReason } from '@authpipe/types';
import { addSeconds, type Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import { newId, type Randomness } from '../randomness.js';
import type { Vault } from '../vault/vault.js';
import type { ConnectionRecord, CredentialSecrets } from './credential-record.js';
import { credentialPlace } from './credential-store.js';
import { sqlValues } from './sql-values.js';
import { type ChangedRow, stateChangeSql } from './state-change.js';

/**
 * How long one owner may take for one refresh: longer than the provider's timeout (10 s), and short of half the shortest
 * grace (30 s), so that a dead owner's refresh token is tried again while it still answers.
 */
export const REFRESH_LEASE_SECONDS = 15;

/** Leave to refresh one connection, held by an owner until its end. */
export interface RefreshClaim {
  readonly connectionId: string;
  readonly environment: string;
}

/** What a waiter looks at. */
export interface RefreshProgress {
  readonly version: number;
  /** Whether somebody holds the leave to refresh. */
  readonly isLeased: boolean;
  readonly isDue: boolean;
}

/** Who writes, and on top of what: a write holds only while both are as they were. */
export interface RefreshFence {
  readonly connection: ConnectionRecord;
  readonly version: number;
}

/** A token answer, ready to be stored. */
export interface RefreshedCredential {
  readonly secrets: CredentialSecrets;
  readonly tokenType: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date | null;
  readonly refreshExpiresAt: Date | null;
  readonly refreshAt: Date | null;
  readonly scopes: readonly string[];
}

/** Trouble that a refresh has nothing to say about: only a probe sees whether it is over. */
const ONLY_A_PROBE_MENDS = `('scope_lost', 'role_lost')`;
/** Trouble that says nothing of the cause: it never replaces a known one, so that an outage is told once. */
const PASSING = `('provider_down', 'rate_limited')`;

const LEASE_FREED = ['lease_owner = NULL', 'lease_until = NULL'];

/** The refresh side of credentials, for one owner (one process). All writes are fenced by version and lease. */
export const createRefreshStore = ({
  db,
  vault,
  clock,
  randomness,
  owner,
}: {
  readonly db: Database;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** `node_…`: this process, for this life. */
  readonly owner: string;
}) => {
  const leaseEnd = (): Date => addSeconds(clock.now(), REFRESH_LEASE_SECONDS);

  const fence = ({ bind }: ReturnType<typeof sqlValues>, version: number): string =>
    `k.version = ${bind(version, 'int')} AND k.lease_owner = ${bind(owner)}`;

  return {
    /**
     * Claims what is due at `now`, most overdue first: one indexed statement, any number of replicas at once. Never more
     * than can be begun at once, since the lease runs from here.
     */
    async claimDueRefreshes(now: Date, limit: number): Promise<RefreshClaim[]> {
      return db.query<RefreshClaim>(
        'refresh_claim_due',
        `UPDATE credentials SET lease_owner = $1, lease_until = $2
         WHERE connection_id = ANY (ARRAY(
           SELECT connection_id FROM credentials
           WHERE refresh_at <= $3 AND (lease_until IS NULL OR lease_until <= $4)
           ORDER BY refresh_at LIMIT $5 FOR UPDATE SKIP LOCKED))
         RETURNING connection_id AS "connectionId", environment`,
        [owner, leaseEnd(), now, clock.now(), limit],
      );
    },

    /** Claims one, if nobody holds it and it is due, or if `force` says so. */
    async claimRefresh(
      { connectionId, environment }: RefreshClaim,
      { force }: { force: boolean },
    ): Promise<boolean> {
      const rows = await db.query(
        'refresh_claim',
        `UPDATE credentials SET lease_owner = $3, lease_until = $4
         WHERE connection_id = $1 AND environment = $2 AND (lease_until IS NULL OR lease_until <= $5)
           AND ($6::boolean OR refresh_at <= $5)
         RETURNING connection_id`,
        [connectionId, environment, owner, leaseEnd(), clock.now(), force],
      );
      return rows.length > 0;
    },

    /** How far somebody else's refresh is; `null` when the connection is gone. */
    async refreshProgress(connectionId: string): Promise<RefreshProgress | null> {
      const [row] = await db.query<RefreshProgress>(
        'refresh_progress',
        `SELECT version, coalesce(lease_until > $2, false) AS "isLeased", coalesce(refresh_at <= $2, false) AS "isDue"
         FROM credentials WHERE connection_id = $1`,
        [connectionId, clock.now()],
      );
      return row ?? null;
    },

    /**
     * Records that the provider is about to be called, and renews the lease. False: the lease or the version is lost, and
     * the provider must not be called.
     */
    async recordIntent({ connection, version }: RefreshFence): Promise<boolean> {
      const rows = await db.query(
        'refresh_intent',
        `UPDATE credentials SET refresh_intent_at = $4, lease_until = $5
         WHERE connection_id = $1 AND version = $2 AND lease_owner = $3 AND lease_until > $4
         RETURNING connection_id`,
        [connection.id, version, owner, clock.now(), leaseEnd()],
      );
      return rows.length > 0;
    },

    /**
     * Stores the answer at the next version and tells of it. False: the fence did not hold, since a reconnect won or the
     * lease went to another owner; nothing was written.
     */
    async saveRefreshed(
      { connection, version }: RefreshFence,
      refreshed: RefreshedCredential,
    ): Promise<boolean> {
      const now = clock.now();
      const envelope = await vault.seal(
        credentialPlace(connection, version + 1),
        JSON.stringify(refreshed.secrets),
      );
      const sql = sqlValues();
      const { bind } = sql;
      const keepsState = `b.status = 'degraded' AND b.reason IN ${ONLY_A_PROBE_MENDS}`;
      const text = stateChangeSql(sql, {
        connectionId: connection.id,
        now,
        eventId: newId('evt', randomness),
        also: { id: newId('evt', randomness), type: 'credential.refreshed' },
        credential: [
          `version = ${bind(version + 1, 'int')}`,
          `envelope = ${bind(envelope, 'bytea')}`,
          `token_type = ${bind(refreshed.tokenType, 'text')}`,
          `issued_at = ${bind(refreshed.issuedAt, 'timestamptz')}`,
          `expires_at = ${bind(refreshed.expiresAt, 'timestamptz')}`,
          `refresh_expires_at = ${bind(refreshed.refreshExpiresAt, 'timestamptz')}`,
          `refresh_at = ${bind(refreshed.refreshAt, 'timestamptz')}`,
          // A dead grant that came back is probed again.
          `probe_at = coalesce(k.probe_at, CASE WHEN b.status = 'needs_reconnect' THEN ${bind(now, 'timestamptz')} END)`,
          'refresh_failures = 0',
          'refresh_intent_at = NULL',
          'suspected_reason = NULL',
          ...LEASE_FREED,
        ],
        fence: fence(sql, version),
        status: `CASE WHEN ${keepsState} THEN b.status ELSE 'healthy' END`,
        reason: `CASE WHEN ${keepsState} THEN b.reason END`,
        connection: [
          `scopes = ${bind([...refreshed.scopes], 'text[]')}`,
          `reconnect_by = ${bind(refreshed.refreshExpiresAt, 'timestamptz')}`,
          `verified_at = ${bind(now, 'timestamptz')}`,
          "verified_by = 'refresh'",
        ],
      });
      return (await db.query<ChangedRow>('refresh_saved', text, sql.values)).length > 0;
    },

    /**
     * Puts the next try off and frees the lease. With a `reason` the connection is `degraded`, told once; `null` leaves
     * its state alone. `answered` says whether the provider answered: if not, the refresh token may have been rotated,
     * and the intent stays on record.
     */
    async saveRefreshFailure(
      { connection, version }: RefreshFence,
      failure: {
        readonly refreshAt: Date | null;
        readonly reason: StatusReason | null;
        readonly forgetIntent: boolean;
      },
    ): Promise<boolean> {
      const sql = sqlValues();
      const { bind } = sql;
      const reason = bind(failure.reason, 'text');
      const keepsState = `${reason} IS NULL OR b.status = 'needs_reconnect'
        OR (b.status = 'degraded' AND b.reason IS NOT NULL AND ${reason} IN ${PASSING})`;
      const text = stateChangeSql(sql, {
        connectionId: connection.id,
        now: clock.now(),
        eventId: newId('evt', randomness),
        credential: [
          // Of a dead grant nothing is due, even if somebody had it tried by hand.
          `refresh_at = CASE WHEN b.status <> 'needs_reconnect' THEN ${bind(failure.refreshAt, 'timestamptz')} END`,
          'refresh_failures = refresh_failures + 1',
          ...(failure.forgetIntent ? ['refresh_intent_at = NULL'] : []),
          ...LEASE_FREED,
        ],
        fence: fence(sql, version),
        status: `CASE WHEN ${keepsState} THEN b.status ELSE 'degraded' END`,
        reason: `CASE WHEN ${keepsState} THEN b.reason ELSE ${reason} END`,
      });
      const name = failure.forgetIntent ? 'refresh_failed_answered' : 'refresh_failed';
      return (await db.query<ChangedRow>(name, text, sql.values)).length > 0;
    },

    /**
     * The grant is dead: only a person can mend it. Told once; no refresh and no probe is due any more. False: the fence
     * did not hold, and nothing was written.
     */
    async saveDeadGrant({ connection, version }: RefreshFence, reason: StatusReason): Promise<boolean> {
      const sql = sqlValues();
      const { bind } = sql;
      const text = stateChangeSql(sql, {
        connectionId: connection.id,
        now: clock.now(),
        eventId: newId('evt', randomness),
        credential: [
          'refresh_at = NULL',
          'probe_at = NULL',
          'refresh_intent_at = NULL',
          'suspected_reason = NULL',
          ...LEASE_FREED,
        ],
        fence: fence(sql, version),
        status: `'needs_reconnect'`,
        reason: `CASE WHEN b.status = 'needs_reconnect' THEN b.reason ELSE ${bind(reason, 'text')} END`,
      });
      return (await db.query<ChangedRow>('refresh_dead', text, sql.values)).length > 0;
    },

    /** Hands leases back: what this owner holds of the given connections is free for others at once. */
    async releaseRefreshes(connectionIds: readonly string[]): Promise<void> {
      await db.query(
        'refresh_release',
        `UPDATE credentials SET lease_owner = NULL, lease_until = NULL
         WHERE connection_id = ANY ($1::text[]) AND lease_owner = $2`,
        [[...connectionIds], owner],
      );
    },
  };
};

export type RefreshStore = ReturnType<typeof createRefreshStore>;
