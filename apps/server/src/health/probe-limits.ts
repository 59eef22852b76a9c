import type { ApiLimit, HttpAnswer, ProviderDefinition } from '@authpipe/providers';
import { LRUCache } from 'lru-cache';
import { addSeconds, type Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import { errorSummary } from '../errors/error-summary.js';
import type { Logger } from '../log/logger.js';
import type { ProbedEndpoint, ProbeLeave } from '../oauth/oauth.js';

/** Probes never take more of a provider's limit, in any window of its length. */
const SHARE = 1 / 20;
/** Of a provider that documents no limit. */
const USUAL_LIMIT: ApiLimit = { requests: 600, perSeconds: 60, countedPer: 'host' };
/** With less of the limit left than this, its callers need it more than probes do. */
const LEFT_TO_CALLERS = 1 / 10;
/** A provider that says longer than this is asked all the same. */
const LONGEST_CLOSED_SECONDS = 3600;
/** Endpoints in use at one time; one that falls out costs a statement. */
const MAX_KNOWN = 10_000;
/** A limit that nobody has asked about for so long begins anew: a customer's account may be gone for good. */
const KEPT_SECONDS = 86_400;

/**
 * Slots in a line (GCRA). With N requests in a window of W seconds, a tolerance of W/6 and an interval of (W + W/6)/N, no
 * window holds more than N: a seventh of them may come at once, which is what a sweep brings. A share below one request makes the
 * interval longer than the window.
 */
const ALLOWED = `(${SHARE}::float8 * coalesce(l.told_requests, $3::int))`;
const TOLERANCE = (allowed: string): string => `CASE WHEN ${allowed} >= 2 THEN $4::float8 / 6 ELSE 0 END`;
const INTERVAL = (allowed: string): string =>
  `CASE WHEN ${allowed} >= 1 THEN ($4::float8 + ${TOLERANCE(allowed)}) / floor(${allowed}) ELSE $4::float8 / ${allowed} END`;

/** Further ahead than anything is put off: written while the database's clock was wrong. */
const isAbsurd = (column: string): string =>
  `(${column} > $2::timestamptz + make_interval(secs => ${KEPT_SECONDS}))`;

const TAKE = `INSERT INTO probe_limits AS l (bucket, next_slot_at)
  VALUES ($1, $2::timestamptz + make_interval(secs => ${INTERVAL(`(${SHARE}::float8 * $3::int)`)}))
  ON CONFLICT (bucket) DO UPDATE
    SET next_slot_at = greatest(CASE WHEN NOT ${isAbsurd('l.next_slot_at')} THEN l.next_slot_at END, $2::timestamptz)
      + make_interval(secs => ${INTERVAL(ALLOWED)})
  WHERE (l.next_slot_at <= $2::timestamptz + make_interval(secs => ${TOLERANCE(ALLOWED)}) OR ${isAbsurd('l.next_slot_at')})
    AND coalesce(l.closed_until <= $2::timestamptz OR ${isAbsurd('l.closed_until')}, true)
  RETURNING told_requests AS "toldRequests"`;

/** When one may ask again who was refused: when the line has moved so far that there is place for some at once. */
const NEXT = `SELECT greatest(l.next_slot_at, l.closed_until) AS "nextAt" FROM probe_limits l WHERE bucket = $1`;

const NOTE = `UPDATE probe_limits SET told_requests = coalesce($2::int, told_requests),
    closed_until = CASE WHEN $3::timestamptz IS NULL THEN closed_until ELSE greatest(closed_until, $3::timestamptz) END
  WHERE bucket = $1`;

const FORGET = `DELETE FROM probe_limits WHERE next_slot_at < $1 AND coalesce(closed_until < $1, true)`;

/** What an answer tells: how many requests a window has, and until when there are too few left. */
interface Told {
  readonly requests: number | null;
  readonly closedUntil: Date | null;
}

/** Where limits are counted: whose account, beside the host. */
export interface LimitedConnection {
  readonly tenantId: string;
  readonly environment: string;
}

/** The share of each provider's limit that probes may use, over all replicas. */
export const createProbeLimits = ({
  db,
  clock,
  log,
}: {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
}) => {
  /** The limits that were noted last: what is told with every answer is written once. */
  const known = new LRUCache<string, number>({ max: MAX_KNOWN });

  const read = (
    { rateLimit }: ProviderDefinition['api'],
    { status, headers }: Answer,
    limit: ApiLimit,
  ): Told => {
    const numberAt = (name: string | undefined): number => {
      const text = name === undefined ? '' : (headers[name] ?? '');
      return /^\d+$/.test(text) ? Number(text) : Number.NaN;
    };
    const requests = numberAt(rateLimit?.limit);
    const remaining = numberAt(rateLimit?.remaining);
    const isScarce = status === 429 || remaining < requests * LEFT_TO_CALLERS;
    if (!isScarce) return { requests: requests > 0 ? requests : null, closedUntil: null };
    const reset = numberAt(rateLimit?.reset);
    const answeredAt = Date.parse(headers.date ?? '') || clock.now().getTime();
    const wait = rateLimit?.resetUnit === 'epoch_seconds' ? reset - answeredAt / 1000 : reset;
    const seconds = wait > 0 ? Math.min(wait, LONGEST_CLOSED_SECONDS) : limit.perSeconds;
    return { requests: requests > 0 ? requests : null, closedUntil: addSeconds(clock.now(), seconds) };
  };

  const leaveFor = (
    definition: ProviderDefinition | undefined,
    connection: LimitedConnection,
  ): ProbeLeave => {
    const limit = definition?.api.limit ?? USUAL_LIMIT;
    const account =
      limit.countedPer === 'account'
        ? ` ${JSON.stringify([connection.environment, connection.tenantId])}`
        : '';
    const bucketOf = ({ origin, name }: ProbedEndpoint): string => `${origin} ${name}${account}`;

    return {
      async ask(endpoint) {
        const bucket = bucketOf(endpoint);
        const now = clock.now();
        const values = [bucket, now, limit.requests, limit.perSeconds];
        const [taken] = await db.query<{ toldRequests: number | null }>('probe_limit_take', TAKE, values);
        if (taken) {
          if (taken.toldRequests === null) known.delete(bucket);
          else known.set(bucket, taken.toldRequests);
          return null;
        }
        const [row] = await db.query<{ nextAt: Date }>('probe_limit_next', NEXT, [bucket]);
        return row && row.nextAt > now ? row.nextAt : addSeconds(now, 1);
      },

      note(endpoint, answer) {
        if (!definition) return;
        const bucket = bucketOf(endpoint);
        const { requests, closedUntil } = read(definition.api, answer, limit);
        const isNews = requests !== null && known.get(bucket) !== requests;
        if (!isNews && closedUntil === null) return;
        if (requests !== null) known.set(bucket, requests);
        db.query('probe_limit_note', NOTE, [bucket, requests, closedUntil]).catch((error: unknown) => {
          log.warn({ error: errorSummary(error) }, 'a provider’s limit could not be noted');
        });
      },
    };
  };

  return {
    /** Leave for the probes of one connection. */
    leaveFor,
    /** Forgets the limits that nobody has asked about for a day. */
    async sweepLimits(now: Date): Promise<void> {
      await db.query('probe_limit_forget', FORGET, [addSeconds(now, -KEPT_SECONDS)]);
    },
  };
};

type Answer = Pick<HttpAnswer, 'status' | 'headers'>;

export type LeaveFor = ReturnType<typeof createProbeLimits>['leaveFor'];
