import type { StatusReason } from '@authpipe/types';
import { type Actor, currentActor } from '../actor.js';
import { isOfWhatItMay, OF_WHAT_IT_MAY } from '../authorization-reasons.js';
import { addSeconds, type Clock } from '../clock.js';
import { auditContent } from '../db/append-audit.js';
import type { Database } from '../db/database.js';
import { newId, type Randomness } from '../randomness.js';
import { answered, answeredAlive } from './place-answer.js';
import { sqlValues } from './sql-values.js';
import { type ChangedRow, type StateChange, stateChangeSql } from './state-change.js';

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
  /** Where it was asked: an outage would be met there. Left out: the provider was not asked. */
  readonly host?: string;
  /** When it was asked. An answer that others got since, and that says the opposite, stands. */
  readonly askedAt?: Date | undefined;
}

/** How a caller's report is taken. */
export type ReportLeave = 'look' | 'later';

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
      /** A key that works past the end that was told has none. */
      readonly hasNoEnd?: boolean;
      /** Not all could be asked: what is wrong, or suspected, of what the token may do stays so. */
      readonly isPartial?: boolean;
      /** The issuer listed the token's scopes, and none is missing: else what was lost stays lost. */
      readonly seesScopes?: boolean;
    }
  /** It does not, or not fully: two looks agree. */
  | {
      readonly result: 'degraded' | 'dead';
      readonly reason: StatusReason;
      readonly failedApi?: string | undefined;
      readonly lostScopes?: readonly string[] | undefined;
    }
  /** A first bad verdict: nothing is told until a second one agrees. */
  | { readonly result: 'suspected'; readonly reason: StatusReason }
  /** Nothing was learned of the credential; `isAway`: since the provider did not answer. */
  | { readonly result: 'inconclusive'; readonly isAway?: boolean };

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

/** A client may report as often as this, … */
const REPORT_SECONDS = 20;
/** … and so many times at once: enough for a burst of calls that fail together. */
const REPORTS_AT_ONCE = 3;

const CLAIM_REPORT = `UPDATE credentials k SET
    report_slot_at = CASE WHEN was.may_look
      THEN greatest(was.slot, $2::timestamptz) + make_interval(secs => ${REPORT_SECONDS}) ELSE k.report_slot_at END,
    probe_at = CASE WHEN was.may_look THEN k.probe_at ELSE least(k.probe_at, was.slot) END
  FROM (
    SELECT connection_id, coalesce(report_slot_at, $2::timestamptz) AS slot,
      coalesce(report_slot_at <= $2::timestamptz + make_interval(secs => ${REPORT_SECONDS * (REPORTS_AT_ONCE - 1)}), true) AS may_look
    FROM credentials WHERE connection_id = $1 FOR UPDATE
  ) was WHERE k.connection_id = was.connection_id
  RETURNING was.may_look AS "mayLook"`;

/** One name for each text of the statement. */
const nameOf = (outcome: ProbeOutcome, host: string | undefined): string => {
  const parts = [
    host === undefined ? '' : '_asked',
    'lostScopes' in outcome && outcome.lostScopes !== undefined ? '_scopes' : '',
    'isAway' in outcome && outcome.isAway ? '_away' : '',
    'hasNoEnd' in outcome && outcome.hasNoEnd ? '_endless' : '',
    'isPartial' in outcome && outcome.isPartial ? '_partial' : '',
    'seesScopes' in outcome && outcome.seesScopes ? '_scoped' : '',
    'reason' in outcome && isOfWhatItMay(outcome.reason) ? '_may' : '',
  ];
  return `probe_${outcome.result}${parts.join('')}`;
};

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
    { connectionId, version, host, askedAt }: Probed,
    outcome: ProbeOutcome,
    probeAt: Date | null,
  ): Promise<boolean> {
    const now = clock.now();
    const sql = sqlValues();
    const { bind } = sql;
    const actor = currentActor();
    const result = resultOf(outcome);
    // Who asks gets an entry for it. What the server finds by itself gets one when it is news.
    const isQuiet = actor.who.type === 'server';
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
      fence: [`k.version = ${bind(version, 'int')}`, ...isNewest()].join(' AND '),
      failedApi: 'failedApi' in outcome ? (outcome.failedApi ?? null) : null,
    };
    const next = (): string => `probe_at = ${bind(probeAt, 'timestamptz')}`;
    const { credential, connection = [], ...state } = assignments();
    const lostScopes = 'lostScopes' in outcome ? (outcome.lostScopes ?? null) : null;
    const text = stateChangeSql(sql, {
      ...change,
      ...state,
      credential: [...credential, ...placeAnswer()],
      connection: [
        ...connection,
        ...(outcome.result === 'ok' && outcome.seesScopes ? [`lost_scopes = '{}'`] : []),
        ...(lostScopes === null ? [] : [`lost_scopes = ${bind(lostScopes, 'text[]')}`]),
      ],
    });
    const name = `${nameOf(outcome, host)}${askedAt ? '_newest' : ''}${isQuiet ? '_quiet' : ''}`;
    const [changed] = await db.query<ChangedRow>(name, text, sql.values);
    if (!changed) return false;
    const { environment, tenantId } = changed;
    if (isQuiet && !changed.isNews) noteQuietCheck({ actor, environment, tenantId, connectionId, result });
    return true;

    /** A late answer does not undo what another replica was answered meanwhile. */
    function isNewest(): string[] {
      if (!askedAt || outcome.result === 'inconclusive') return [];
      const at = bind(askedAt, 'timestamptz');
      if (outcome.result !== 'ok' && isOfWhatItMay(outcome.reason))
        return [`NOT coalesce(k.worked_at > ${at}, false)`];
      const opposite = outcome.result === 'ok' ? `('refused')` : `('good', 'alive')`;
      return [`NOT coalesce(k.answer IN ${opposite} AND k.answered_at > ${at}, false)`];
    }

    /** What the provider's place is known by: good and bad answers alike, one of each connection. */
    function placeAnswer(): string[] {
      const isAway = outcome.result === 'inconclusive' && outcome.isAway === true;
      if (host === undefined || (outcome.result === 'inconclusive' && !isAway)) return [];
      const at = bind(now, 'timestamptz');
      const askedHost = `answer_host = ${bind(host, 'text')}`;
      if (outcome.result === 'ok') {
        return [askedHost, ...(outcome.isPartial ? answeredAlive(at) : answered('good', at))];
      }
      return [askedHost, ...answered(isAway ? 'away' : 'refused', at)];
    }

    function assignments(): Pick<StateChange, 'credential' | 'status' | 'reason' | 'connection'> {
      switch (outcome.result) {
        case 'ok': {
          const ofWhatItMay = outcome.isPartial ? `OR b.reason IN ${OF_WHAT_IT_MAY}` : '';
          // An API that takes the token may not need what it lost.
          const ofScopes = outcome.seesScopes ? '' : `OR b.reason = 'scope_lost' AND b.failed_api IS NULL`;
          const suspicion = outcome.isPartial
            ? `CASE WHEN k.suspected_reason IN ${OF_WHAT_IT_MAY} THEN k.suspected_reason END`
            : 'NULL';
          const keepsState = `(b.status = 'degraded' AND (moved.refresh_failures > 0 ${ofWhatItMay} ${ofScopes})
            OR b.status = 'needs_reconnect' AND NOT ${bind(outcome.mendsDead, 'boolean')})`;
          return {
            credential: [
              next(),
              // What ends without a refresh token is looked at when it ends; a dead verdict had put that off.
              "refresh_at = coalesce(k.refresh_at, CASE WHEN b.status = 'needs_reconnect' THEN k.expires_at END)",
              `suspected_reason = ${suspicion}`,
              ...(outcome.hasNoEnd ? ['expires_at = NULL', 'expiring_at = NULL'] : []),
              ...PROBED,
            ],
            status: `CASE WHEN ${keepsState} THEN b.status ELSE 'healthy' END`,
            reason: `CASE WHEN ${keepsState} THEN b.reason END`,
            connection: [
              `verified_at = ${bind(now, 'timestamptz')}`,
              `verified_by = ${bind(outcome.by, 'text')}`,
              ...(outcome.hasNoEnd ? ['reconnect_by = NULL'] : []),
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

  /**
   * Takes a caller's report: now, or when the connection's turn comes, so that a client that is refused again and again does
   * not hammer the provider. `null`: there is no such connection.
   */
  async claimReport(connectionId: string): Promise<ReportLeave | null> {
    const [row] = await db.query<{ mayLook: boolean }>('probe_report', CLAIM_REPORT, [
      connectionId,
      clock.now(),
    ]);
    if (!row) return null;
    return row.mayLook ? 'look' : 'later';
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
