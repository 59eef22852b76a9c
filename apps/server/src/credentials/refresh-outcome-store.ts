import type { StatusReason } from '@authpipe/types';
import { currentActor } from '../actor.js';
import { createBatch } from '../batch.js';
import type { Clock } from '../clock.js';
import { auditContent } from '../db/append-audit.js';
import type { Database } from '../db/database.js';
import { type DatabaseProof, isProvenSql } from '../db/database-proof.js';
import { isLeaseFreeSql, type Nodes } from '../db/nodes.js';
import { newId, type Randomness } from '../randomness.js';
import { answered, REMEMBERED_REFUSAL } from './place-answer.js';
import {
  FENCE_COLUMNS,
  fenceRow,
  LEASE_FREED,
  type Refreshed,
  type RefreshedCredential,
  type RefreshFence,
  refreshedChange,
} from './refreshed-change.js';
import { type SqlValues, sqlValues } from './sql-values.js';
import { type ChangedRow, stateChangeSql } from './state-change.js';

/** What became of tokens that were kept outside the database. */
export type KeptOutcome =
  /** Written. */
  | 'saved'
  /** The connection moved on without them, or is gone. Nothing else is a reason to throw them away. */
  | 'superseded'
  /** Somebody else is refreshing, or the database is behind them, or not proven to be ours: come back when that is over. */
  | 'held';

/** Trouble that says nothing of the cause: it never replaces a known one, so that an outage is told once. */
const PASSING = `('provider_down', 'rate_limited')`;

/** Ends that were known to come say nothing of the provider. */
export const FORESEEN_ENDS: ReadonlySet<StatusReason> = new Set([
  'refresh_token_expired',
  'refresh_token_missing',
  'deployment_copied',
]);

/** Statements that are joined: as many at a time as a sweep has places. */
const MAX_JOINED = 64;
const JOINED_CONCURRENCY = 2;

/** Only the database that is ours may say that kept tokens are of no use. */
const KEPT_STANDING = `SELECT (SELECT version FROM credentials WHERE connection_id = $1) AS version,
    ${isProvenSql({ deploymentId: '$2', atLeast: '$3' })} AS "isProven"`;

/** The outcomes of refreshes, for one owner (one process). All writes are fenced by version and lease. */
export const createRefreshOutcomeStore = ({
  db,
  clock,
  randomness,
  nodes,
  proof,
}: {
  readonly db: Database;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly nodes: Nodes;
  /** `null` while the database may be another's. */
  readonly proof: () => DatabaseProof | null;
}) => {
  const eventId = (): string => newId('evt', randomness);

  const own = ({ bind }: SqlValues): string =>
    `k.version = g.version AND k.lease_number = g.lease_number AND k.lease_owner = ${bind(nodes.id)}`;

  /** The lease may have run out while the database was away, as long as nobody else has taken it up. */
  const ownOrFree = (sql: SqlValues): string => {
    const now = sql.bind(clock.now(), 'timestamptz');
    const aliveSince = sql.bind(nodes.aliveSince(), 'timestamptz');
    return `k.version = g.version AND (${own(sql)} OR ${isLeaseFreeSql({ now, aliveSince })})`;
  };

  const provenBy = ({ bind }: SqlValues, { deploymentId, atLeast }: DatabaseProof): string =>
    isProvenSql({ deploymentId: bind(deploymentId), atLeast: bind(atLeast) });

  const saveRefreshed = createBatch<Refreshed, boolean>({
    maxItems: MAX_JOINED,
    concurrency: JOINED_CONCURRENCY,
    // Two answers for one connection, under an old lease and a new one: the statement would mix their values.
    keyOf: ({ fence }) => fence.connection.id,
    run: async (given) => {
      const sql = sqlValues();
      const text = stateChangeSql(sql, {
        ...refreshedChange(sql, given, { now: clock.now(), eventId }),
        fence: own(sql),
      });
      const rows = await db.query<ChangedRow>('refresh_saved', text, sql.values);
      const saved = new Set(rows.map(({ id }) => id));
      return given.map(({ fence }) => saved.has(fence.connection.id));
    },
  });

  return {
    /**
     * Stores the answer at the next version and tells of it. False: the fence did not hold, since a reconnect won or the
     * lease went to another owner; nothing was written.
     */
    saveRefreshed: (fence: RefreshFence, refreshed: RefreshedCredential): Promise<boolean> =>
      // Whoever causes it: the batch runs in the name of the first of many.
      saveRefreshed({ fence, refreshed, actor: currentActor() }),

    /**
     * The same for an answer that could not be written when it came, whoever took it: by the version, and by nobody else's
     * lease. A backup may come to the same version by another way, with a grant that is newer: that one stays.
     */
    async saveKept(fence: RefreshFence, refreshed: RefreshedCredential): Promise<KeptOutcome> {
      const known = proof();
      if (!known) return 'held';
      const sql = sqlValues();
      const text = stateChangeSql(sql, {
        ...refreshedChange(sql, [{ fence, refreshed, actor: currentActor() }], { now: clock.now(), eventId }),
        fence: `${ownOrFree(sql)} AND k.issued_at <= g.issued_at AND ${provenBy(sql, known)}`,
      });
      if ((await db.query<ChangedRow>('refresh_kept_saved', text, sql.values)).length > 0) return 'saved';
      const values = [fence.connection.id, known.deploymentId, known.atLeast];
      const [standing] = await db.query<{ version: number | null; isProven: boolean }>(
        'refresh_kept_standing',
        KEPT_STANDING,
        values,
      );
      if (!standing?.isProven) return 'held';
      return standing.version === null || standing.version > fence.version ? 'superseded' : 'held';
    },

    /**
     * Puts the next try off and frees the lease. With a `reason` the connection is `degraded`, told once; `null` leaves
     * its state alone. `forgetIntent` when it is known that the refresh token was not rotated: else the intent stays on
     * record. `isAttempt` when the provider was asked: what was only put off does not add a failure, but with a `reason` it
     * is in trouble from then on, which only a refresh mends, and which is woken when the integration is.
     */
    async saveRefreshFailure(
      fence: RefreshFence,
      failure: {
        readonly refreshAt: Date | null;
        readonly reason: StatusReason | null;
        readonly forgetIntent: boolean;
        readonly isAttempt: boolean;
        /** What the provider answered, as far as it says something of an outage, and where. */
        readonly answer?: { readonly is: 'refused' | 'away'; readonly host: string } | undefined;
      },
    ): Promise<boolean> {
      const sql = sqlValues();
      const { bind } = sql;
      const reason = bind(failure.reason, 'text');
      const keepsState = `${reason} IS NULL OR b.status = 'needs_reconnect'
        OR (b.status = 'degraded' AND b.reason IS NOT NULL AND ${reason} IN ${PASSING})`;
      const result = failure.reason ?? 'unknown';
      const text = stateChangeSql(sql, {
        connections: [{ ...fenceRow(fence), event: eventId(), audit: auditContent({}, result) }],
        // What was only put off was no attempt: nobody was asked.
        ...(failure.isAttempt
          ? { audit: { action: 'credential.refresh_failed', result: "c.audit->>'result'" } as const }
          : {}),
        columns: FENCE_COLUMNS,
        now: clock.now(),
        credential: [
          // Of a dead grant nothing is due, even if somebody had it tried by hand.
          `refresh_at = CASE WHEN b.status <> 'needs_reconnect' THEN ${bind(failure.refreshAt, 'timestamptz')} END`,
          `refresh_failures = CASE WHEN ${bind(failure.isAttempt, 'boolean')} THEN k.refresh_failures + 1
            WHEN ${reason} IS NOT NULL THEN greatest(k.refresh_failures, 1) ELSE k.refresh_failures END`,
          `refresh_intent_at = CASE WHEN NOT ${bind(failure.forgetIntent, 'boolean')} THEN k.refresh_intent_at END`,
          `suspected_reason = CASE WHEN ${keepsState} THEN k.suspected_reason ELSE ${REMEMBERED_REFUSAL} END`,
          ...answeredToRenewal(),
          ...LEASE_FREED,
        ],
        fence: own(sql),
        status: `CASE WHEN ${keepsState} THEN b.status ELSE 'degraded' END`,
        reason: `CASE WHEN ${keepsState} THEN b.reason ELSE ${reason} END`,
      });
      const name = `${failure.isAttempt ? 'refresh_failed' : 'refresh_not_tried'}_${failure.answer?.is ?? 'unasked'}`;
      return (await db.query<ChangedRow>(name, text, sql.values)).length > 0;

      function answeredToRenewal(): string[] {
        if (!failure.answer) return [];
        const at = bind(clock.now(), 'timestamptz');
        const host = bind(failure.answer.host, 'text');
        return [
          `answer_host = coalesce(k.answer_host, ${host})`,
          ...(failure.answer.is === 'away'
            ? answered('away', at)
            : [`renewal_refused_since = coalesce(k.renewal_refused_since, ${at})`]),
        ];
      }
    },

    /**
     * The grant is dead: only a person can mend it. Told once; no refresh and no probe is due any more. False: the fence
     * did not hold, and nothing was written.
     */
    async saveDeadGrant(fence: RefreshFence, reason: StatusReason): Promise<boolean> {
      const sql = sqlValues();
      const told = sql.bind(reason, 'text');
      const isForeseen = FORESEEN_ENDS.has(reason);
      const text = stateChangeSql(sql, {
        connections: [{ ...fenceRow(fence), event: eventId(), audit: auditContent({}, reason) }],
        audit: { action: 'credential.refresh_failed', result: "c.audit->>'result'" },
        columns: FENCE_COLUMNS,
        now: clock.now(),
        credential: [
          'refresh_at = NULL',
          'refresh_stopped_at = NULL',
          'probe_at = NULL',
          'renewal_refused_since = NULL',
          // Whoever has a lost rotation tried by hand must look first: its successor may still turn up.
          `refresh_intent_at = CASE WHEN ${told} = 'rotation_lost' THEN k.refresh_intent_at END`,
          'suspected_reason = NULL',
          ...(isForeseen ? [] : answered('refused', sql.bind(clock.now(), 'timestamptz'))),
          ...LEASE_FREED,
        ],
        fence: own(sql),
        status: `'needs_reconnect'`,
        reason: `CASE WHEN b.status = 'needs_reconnect' THEN b.reason ELSE ${told} END`,
      });
      return (
        (await db.query<ChangedRow>(isForeseen ? 'refresh_ended' : 'refresh_dead', text, sql.values)).length >
        0
      );
    },

    /**
     * Keeps the grant alive no longer, since nobody reads it: neither refreshed nor probed until somebody does. Its state
     * stays.
     */
    async stopRefreshing({ connection: { id }, version, leaseNumber }: RefreshFence): Promise<boolean> {
      const rows = await db.query(
        'refresh_stop',
        `UPDATE credentials SET refresh_at = NULL, refresh_stopped_at = $5, probe_at = NULL, lease_owner = NULL, lease_until = NULL
         WHERE connection_id = $1 AND version = $2 AND lease_number = $3 AND lease_owner = $4 RETURNING connection_id`,
        [id, version, leaseNumber, nodes.id, clock.now()],
      );
      return rows.length > 0;
    },
  };
};

export type { RefreshedCredential, RefreshFence } from './refreshed-change.js';

export type RefreshOutcomeStore = ReturnType<typeof createRefreshOutcomeStore>;
