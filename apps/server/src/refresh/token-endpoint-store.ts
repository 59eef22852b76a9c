import type { Database } from '../db/database.js';
import { FAILURES_TO_OPEN, type Pace, RECOVERY_SECONDS } from './token-endpoint-pace.js';

/** What is known of a token endpoint that is, or was a moment ago, in trouble or limited. */
export interface TokenEndpointState {
  readonly url: string;
  /** Failures in a row; past the threshold it counts the trials that failed, too. */
  readonly failures: number;
  /** Closed to all until then. In the past: whoever comes first may try. */
  readonly openUntil: Date | null;
  /** When it came back. */
  readonly closedAt: Date | null;
  /** When the next request is due by the pace. */
  readonly nextSlotAt: Date | null;
  readonly updatedAt: Date;
}

/** Failures met since the last report. */
export interface FailureReport {
  readonly failures: number;
  /** Not to be asked for this long, by the provider; zero where it said nothing. */
  readonly toldSeconds: number;
  /** For how long to close it, by how many trials failed before. */
  readonly openSecondsByStep: readonly number[];
  /** End of the trial's lease, where a trial is among the failures: it counts while the lease is the current one. */
  readonly trialUntil: Date | null;
}

const COLUMNS = `url, failures, open_until AS "openUntil", closed_at AS "closedAt", next_slot_at AS "nextSlotAt",
  updated_at AS "updatedAt"`;

/** A row that says nothing any more is kept this much longer, in case clocks differ. */
const SPENT_SLOT_SECONDS = 60;
/** An endpoint in trouble that nobody has asked for this long has no connections any more. */
const ABANDONED_SECONDS = 7 * 86_400;

/** Whether `forget` would delete it, as far as one can tell from here. */
export const isAbandoned = ({ updatedAt }: TokenEndpointState, now: Date): boolean =>
  updatedAt.getTime() <= now.getTime() - ABANDONED_SECONDS * 1000;

/** The state of token endpoints that all replicas share. Every change is one statement, decided by the row as it is then. */
export const createTokenEndpointStore = (db: Database) => {
  const firstOf = ([row]: TokenEndpointState[]): TokenEndpointState | null => row ?? null;
  const seconds = (millis: number): number => millis / 1000;

  return {
    /** All that are failing, closed to all or coming back at `now`: usually none. */
    readTroubled: (now: Date): Promise<TokenEndpointState[]> =>
      db.query(
        'token_endpoints_troubled',
        `SELECT ${COLUMNS} FROM token_endpoints
         WHERE failures > 0 OR open_until IS NOT NULL
           OR closed_at > $1::timestamptz - make_interval(secs => ${RECOVERY_SECONDS})`,
        [now],
      ),

    /** `null` when nothing is known of it. */
    read: async (url: string): Promise<TokenEndpointState | null> =>
      firstOf(
        await db.query('token_endpoint', `SELECT ${COLUMNS} FROM token_endpoints WHERE url = $1`, [url]),
      ),

    /**
     * Takes the next slot, if its time has come and the endpoint is not closed to all; `evenIfOpen` passes over the latter.
     * `null`: not taken.
     */
    takeSlot: async (
      url: string,
      pace: Pace,
      { now, evenIfOpen }: { readonly now: Date; readonly evenIfOpen: boolean },
    ): Promise<TokenEndpointState | null> =>
      firstOf(
        await db.query(
          'token_endpoint_slot',
          `INSERT INTO token_endpoints AS e (url, next_slot_at, updated_at)
           VALUES ($1, $2::timestamptz + make_interval(secs => $3::float8), $2::timestamptz)
           ON CONFLICT (url) DO UPDATE SET updated_at = $2::timestamptz,
             next_slot_at = greatest(e.next_slot_at, $2::timestamptz) + make_interval(secs => $3::float8)
           WHERE coalesce(e.next_slot_at <= $2::timestamptz + make_interval(secs => $4::float8), true)
             AND (e.open_until IS NULL OR $5::boolean)
           RETURNING ${COLUMNS}`,
          [url, now, seconds(pace.intervalMillis), seconds(pace.toleranceMillis), evenIfOpen],
        ),
      ),

    /**
     * Takes the one trial of an endpoint whose time of being closed has passed, until `until`, and with it a slot where
     * there is a pace. `null`: somebody else has it, or the pace does not allow it yet.
     */
    takeTrial: async (
      url: string,
      pace: Pace | null,
      { now, until }: { readonly now: Date; readonly until: Date },
    ): Promise<TokenEndpointState | null> =>
      firstOf(
        await db.query(
          'token_endpoint_trial',
          `UPDATE token_endpoints SET open_until = $3::timestamptz, updated_at = $2::timestamptz,
             next_slot_at = CASE WHEN $4::float8 IS NULL THEN next_slot_at
               ELSE greatest(next_slot_at, $2::timestamptz) + make_interval(secs => $4::float8) END
           WHERE url = $1 AND open_until <= $2::timestamptz AND ($4::float8 IS NULL
             OR coalesce(next_slot_at <= $2::timestamptz + make_interval(secs => $5::float8), true))
           RETURNING ${COLUMNS}`,
          [url, now, until, pace && seconds(pace.intervalMillis), pace && seconds(pace.toleranceMillis)],
        ),
      ),

    /** The provider answered: no failures in a row any more, and what was closed comes back. `null`: it was well already. */
    saveAnswer: async (url: string, now: Date): Promise<TokenEndpointState | null> =>
      firstOf(
        await db.query(
          'token_endpoint_answered',
          `UPDATE token_endpoints SET failures = 0, open_until = NULL, updated_at = $2::timestamptz,
             closed_at = CASE WHEN open_until IS NULL THEN closed_at ELSE $2::timestamptz END
           WHERE url = $1 AND (failures > 0 OR open_until IS NOT NULL)
           RETURNING ${COLUMNS}`,
          [url, now],
        ),
      ),

    /**
     * Counts failures. The threshold closes the endpoint to all; a failed trial closes it for longer. Failures of requests
     * that were on their way when it was closed are the same outage: they don't count, and only what they were told does.
     */
    saveFailures: async (url: string, report: FailureReport, now: Date): Promise<TokenEndpointState | null> =>
      firstOf(
        await db.query(
          'token_endpoint_failed',
          `INSERT INTO token_endpoints AS e (url, failures, open_until, updated_at)
           VALUES ($1, least($3::int, ${FAILURES_TO_OPEN}),
             CASE WHEN $3::int >= ${FAILURES_TO_OPEN}
               THEN $2::timestamptz + make_interval(secs => greatest(($4::float8[])[1], $5::float8)) END,
             $2::timestamptz)
           ON CONFLICT (url) DO UPDATE SET updated_at = $2::timestamptz,
             failures = CASE
               WHEN e.open_until = $6::timestamptz THEN e.failures + 1
               WHEN e.open_until IS NOT NULL THEN e.failures
               ELSE least(e.failures + $3::int, ${FAILURES_TO_OPEN}) END,
             open_until = CASE
               WHEN e.open_until = $6::timestamptz THEN $2::timestamptz + make_interval(secs => greatest(
                 ($4::float8[])[least(e.failures + 2 - ${FAILURES_TO_OPEN}, cardinality($4::float8[]))], $5::float8))
               WHEN e.open_until IS NOT NULL
                 THEN greatest(e.open_until, $2::timestamptz + make_interval(secs => $5::float8))
               WHEN e.failures + $3::int >= ${FAILURES_TO_OPEN}
                 THEN $2::timestamptz + make_interval(secs => greatest(($4::float8[])[1], $5::float8)) END,
             closed_at = CASE
               WHEN e.open_until IS NULL AND e.failures + $3::int < ${FAILURES_TO_OPEN} THEN e.closed_at END
           RETURNING ${COLUMNS}`,
          [url, now, report.failures, [...report.openSecondsByStep], report.toldSeconds, report.trialUntil],
        ),
      ),

    /** Deletes what says nothing any more: what has come back and is taken back whole, and what nobody asks for. */
    forget: async (now: Date): Promise<void> => {
      await db.query(
        'token_endpoints_forget',
        `DELETE FROM token_endpoints
         WHERE (failures = 0 AND open_until IS NULL
             AND coalesce(closed_at <= $1::timestamptz - make_interval(secs => ${RECOVERY_SECONDS}), true)
             AND coalesce(next_slot_at <= $1::timestamptz - make_interval(secs => ${SPENT_SLOT_SECONDS}), true))
           OR updated_at <= $1::timestamptz - make_interval(secs => ${ABANDONED_SECONDS})`,
        [now],
      );
    },
  };
};

export type TokenEndpointStore = ReturnType<typeof createTokenEndpointStore>;
