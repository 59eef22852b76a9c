import type { StatusReason } from '@authpipe/types';
import { type Actor, currentActor } from '../actor.js';
import { addSeconds, type Clock } from '../clock.js';
import { auditContent } from '../db/append-audit.js';
import type { Database } from '../db/database.js';
import { newId, type Randomness } from '../randomness.js';
import { sqlValues } from './sql-values.js';
import { type ChangedRow, stateChangeSql } from './state-change.js';

/** How long one look may take: a refresh before it, the probe, and a refresh to confirm it. */
export const PROBE_LEASE_SECONDS = 60;

/** Leave to look at one connection. */
export interface ProbeClaim {
  readonly connectionId: string;
  readonly environment: string;
}

/** What was looked at: a verdict holds for this version only. */
export interface Probed {
  readonly connectionId: string;
  readonly version: number;
}

/** What a look came to. */
export type ProbeOutcome =
  /** The credential works. */
  | {
      readonly result: 'ok';
      readonly by: string;
      /**
       * Whether a good look mends `needs_reconnect` too: not while there is a refresh token, whose death a living access
       * token says nothing of.
       */
      readonly mendsDead: boolean;
    }
  /** It does not, or not fully: two looks agree. */
  | { readonly result: 'degraded' | 'dead'; readonly reason: StatusReason }
  /** A first bad verdict: nothing is told until a second one agrees. */
  | { readonly result: 'suspected'; readonly reason: StatusReason }
  /** Nothing was learned. */
  | { readonly result: 'inconclusive' };

/** Looks by themselves that found nothing new are told together, a day's at a time. */
export interface QuietCheck {
  readonly actor: Actor;
  readonly environment: string;
  readonly tenantId: string;
  readonly connectionId: string;
  readonly result: string;
}

const resultOf = (outcome: ProbeOutcome): string => ('reason' in outcome ? outcome.reason : outcome.result);

/** Leave given back. */
const PROBED = ['probe_lease_owner = NULL', 'probe_lease_until = NULL'];

/** The probe side of credentials, for one owner (one process). It has no vault. */
export const createProbeStore = ({
  db,
  clock,
  randomness,
  owner,
  noteQuietCheck = () => {},
}: {
  readonly db: Database;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly owner: string;
  /** Told of looks that are no entry of the audit by themselves. */
  readonly noteQuietCheck?: (check: QuietCheck) => void;
}) => ({
  /** Claims what is due at `now`, most overdue first: one indexed statement, any number of replicas at once. */
  async claimDueProbes(now: Date, limit: number): Promise<ProbeClaim[]> {
    const at = clock.now();
    return db.query<ProbeClaim>(
      'probe_claim_due',
      `UPDATE credentials SET probe_lease_owner = $1, probe_lease_until = $2
       WHERE connection_id = ANY (ARRAY(
         SELECT connection_id FROM credentials
         WHERE probe_at <= $3 AND (probe_lease_until IS NULL OR probe_lease_until <= $4)
         ORDER BY probe_at LIMIT $5 FOR UPDATE SKIP LOCKED))
       RETURNING connection_id AS "connectionId", environment`,
      [owner, addSeconds(at, PROBE_LEASE_SECONDS), now, at, limit],
    );
  },

  /**
   * Writes what a look came to, and when the next is due (`null`: none). A change of state is told once; a verdict on a
   * version that is no longer stored changes nothing. A good look mends what a look found, but not a refresh that keeps
   * failing: only a refresh mends that.
   */
  async saveProbe(
    { connectionId, version }: Probed,
    outcome: ProbeOutcome,
    probeAt: Date | null,
  ): Promise<boolean> {
    const now = clock.now();
    const sql = sqlValues();
    const { bind } = sql;
    const actor = currentActor();
    const result = resultOf(outcome);
    // Who asks gets an entry for it. What the server finds by itself gets one when it is news.
    const isQuiet =
      actor.who.type === 'server' && (outcome.result === 'ok' || outcome.result === 'inconclusive');
    const change = {
      connections: [
        { id: connectionId, event: newId('evt', randomness), audit: auditContent({}, result, actor) },
      ],
      audit: {
        action: 'connection.checked' as const,
        result: "c.audit->>'result'",
        when: isQuiet ? '(c.status <> c.was OR c.reason IS DISTINCT FROM c.was_reason)' : 'true',
      },
      now,
      fence: `k.version = ${bind(version, 'int')}`,
    };
    const next = (): string => `probe_at = ${bind(probeAt, 'timestamptz')}`;
    const text = stateChangeSql(sql, { ...change, ...assignments() });
    const name = `probe_${outcome.result}${isQuiet ? '_quiet' : ''}`;
    const [changed] = await db.query<ChangedRow>(name, text, sql.values);
    if (!changed) return false;
    const { environment, tenantId } = changed;
    if (isQuiet && !changed.isNews) noteQuietCheck({ actor, environment, tenantId, connectionId, result });
    return true;

    function assignments() {
      switch (outcome.result) {
        case 'ok': {
          const keepsState = `(b.status = 'degraded' AND moved.refresh_failures > 0
            OR b.status = 'needs_reconnect' AND NOT ${bind(outcome.mendsDead, 'boolean')})`;
          return {
            credential: [
              next(),
              // What ends without a refresh token is looked at when it ends; a dead verdict had put that off.
              "refresh_at = coalesce(k.refresh_at, CASE WHEN b.status = 'needs_reconnect' THEN k.expires_at END)",
              'suspected_reason = NULL',
              ...PROBED,
            ],
            status: `CASE WHEN ${keepsState} THEN b.status ELSE 'healthy' END`,
            reason: `CASE WHEN ${keepsState} THEN b.reason END`,
            connection: [
              `verified_at = ${bind(now, 'timestamptz')}`,
              `verified_by = ${bind(outcome.by, 'text')}`,
            ],
          };
        }
        case 'degraded': {
          const keepsState = `b.status = 'needs_reconnect'`;
          return {
            credential: [next(), 'suspected_reason = NULL', ...PROBED],
            status: `CASE WHEN ${keepsState} THEN b.status ELSE 'degraded' END`,
            reason: `CASE WHEN ${keepsState} THEN b.reason ELSE ${bind(outcome.reason, 'text')} END`,
          };
        }
        case 'dead': {
          const keepsState = `b.status = 'needs_reconnect'`;
          return {
            credential: ['probe_at = NULL', 'refresh_at = NULL', 'suspected_reason = NULL', ...PROBED],
            status: `'needs_reconnect'`,
            reason: `CASE WHEN ${keepsState} THEN b.reason ELSE ${bind(outcome.reason, 'text')} END`,
          };
        }
        case 'suspected':
          return {
            credential: [next(), `suspected_reason = ${bind(outcome.reason, 'text')}`, ...PROBED],
            status: 'b.status',
            reason: 'b.reason',
          };
        case 'inconclusive':
          return { credential: [next(), ...PROBED], status: 'b.status', reason: 'b.reason' };
      }
    }
  },

  /** Hands leases back: what this owner holds of the given connections is free for others at once. */
  async releaseProbes(connectionIds: readonly string[]): Promise<void> {
    await db.query(
      'probe_release',
      `UPDATE credentials SET probe_lease_owner = NULL, probe_lease_until = NULL
       WHERE connection_id = ANY ($1::text[]) AND probe_lease_owner = $2`,
      [[...connectionIds], owner],
    );
  },
});

export type ProbeStore = ReturnType<typeof createProbeStore>;
