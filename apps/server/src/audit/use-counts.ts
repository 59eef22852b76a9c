import { createHash } from 'node:crypto';
import type { AuditAction } from '@authpipe/types';
import type { Actor } from '../actor.js';
import { addSeconds, type Clock } from '../clock.js';
import { type AuditDetails, auditContent, insertAudit } from '../db/append-audit.js';
import type { Database } from '../db/database.js';
import type { Logger } from '../log/logger.js';
import type { ChainPlace } from './entry-hash.js';

/** One use of something, which is audited with others like it. */
export interface AuditedUse {
  readonly actor: Actor;
  readonly environment: string;
  /** `null` for the product. */
  readonly tenantId: string | null;
  readonly connectionId: string | null;
  readonly action: AuditAction;
  /** Default `ok`. */
  readonly result?: string;
  readonly details?: AuditDetails;
  /** How many of them. Default 1. */
  readonly count?: number;
  /** What is counted together. Default: a minute. */
  readonly windowSeconds?: number;
}

interface Counted {
  readonly bucket: string;
  readonly environment: string;
  readonly tenantId: string;
  readonly action: AuditAction;
  readonly connectionId: string | null;
  readonly content: string;
  readonly firstAt: Date;
  readonly endsAt: Date;
  lastAt: Date;
  count: number;
}

const MINUTE_SECONDS = 60;
/** Written down every so often: what a crash can lose. */
const FLUSH_SECONDS = 5;
/** Other replicas write theirs within two of their beats; what comes later makes an entry of its own. */
const SETTLE_AFTER_SECONDS = 2 * FLUSH_SECONDS;
/** Different uses that may wait while the database is away. */
const MAX_WAITING = 50_000;
const WRITTEN_AT_ONCE = 1_000;
const SETTLED_AT_ONCE = 1_000;
/** Clients say what they like: a sum that no column holds would keep all others from being written. */
const MOST = 2_147_483_647;

// In the order of their names, so that two replicas never wait for each other.
const WRITE = `INSERT INTO audit_counts AS a (bucket, environment, tenant_id, action, connection_id, content, count, first_at, last_at, ends_at)
  SELECT bucket, environment, "tenantId", action, "connectionId", content, least(count, ${MOST}), "firstAt", "lastAt", "endsAt"
  FROM jsonb_to_recordset($1::jsonb) AS g (bucket text, environment text, "tenantId" text, action text, "connectionId" text,
    content jsonb, count bigint, "firstAt" timestamptz, "lastAt" timestamptz, "endsAt" timestamptz)
  ORDER BY bucket
  ON CONFLICT (bucket) DO UPDATE SET count = least(a.count::bigint + excluded.count, ${MOST}), first_at = least(a.first_at, excluded.first_at),
    last_at = greatest(a.last_at, excluded.last_at)`;

/** Makes an entry of each count that a condition on `audit_counts` means. */
const settleWhere = (condition: string): string => `WITH over AS (
    SELECT bucket FROM audit_counts WHERE ${condition} ORDER BY bucket LIMIT ${SETTLED_AT_ONCE} FOR UPDATE SKIP LOCKED
  ), settled AS (
    DELETE FROM audit_counts a USING over WHERE a.bucket = over.bucket RETURNING a.*
  ), told AS (${insertAudit({
    environment: 's.environment',
    tenantId: 's.tenant_id',
    connectionId: 's.connection_id',
    action: 's.action',
    time: 's.last_at',
    content: `jsonb_set(s.content, '{details}', s.content->'details'
      || jsonb_build_object('count', s.count, 'since', to_char(s.first_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))`,
    from: '(SELECT * FROM settled ORDER BY first_at, bucket) s',
  })})
  SELECT count(*)::int AS count FROM settled`;
const SETTLE = settleWhere('ends_at <= $1');
const SETTLE_TENANT = settleWhere('environment = $1 AND tenant_id = $2 AND last_at <= $3');

/** A short name for what is counted together: the texts themselves would fill the index. */
const shortName = (bucket: string): string => createHash('sha256').update(bucket).digest('base64url');

/** Uses that are too many to be an entry each: counted in memory, then in the database, then told as one entry. */
export const createUseCounts = ({
  db,
  clock,
  log,
}: {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
}) => {
  let waiting = new Map<string, Counted>();
  let lost = 0;
  let flushedAt = 0;

  const add = (counted: Counted): void => {
    const { bucket, lastAt, count } = counted;
    const known = waiting.get(bucket);
    if (known) {
      known.count += count;
      if (lastAt > known.lastAt) known.lastAt = lastAt;
    } else if (waiting.size < MAX_WAITING) waiting.set(bucket, counted);
    else lost += count;
  };

  const write = async (given: readonly Counted[]): Promise<void> => {
    // The content is JSON already: as text inside of JSON it would be a string.
    const rows = given.map((each) => ({
      ...each,
      bucket: shortName(each.bucket),
      content: JSON.parse(each.content) as unknown,
    }));
    await db.query('audit_counts_write', WRITE, [JSON.stringify(rows)]);
  };

  /** Writes all that waits. */
  const flush = async (): Promise<void> => {
    if (lost > 0) {
      log.error({ lost }, 'uses were not audited: the database was away for too long');
      lost = 0;
    }
    const taken = [...waiting.values()];
    waiting = new Map();
    while (taken.length > 0) {
      const part = taken.slice(0, WRITTEN_AT_ONCE);
      try {
        await write(part);
      } catch (error) {
        for (const each of taken) add(each);
        throw error;
      }
      taken.splice(0, part.length);
    }
  };

  const settle = async (name: string, sql: string, values: readonly unknown[]): Promise<void> => {
    let settled: number;
    do {
      const [row] = await db.query<{ count: number }>(name, sql, values);
      settled = row?.count ?? 0;
    } while (settled === SETTLED_AT_ONCE);
  };

  return {
    /** Counts a use. Costs nothing but memory. */
    note(use: AuditedUse): void {
      const { actor, environment, connectionId, action, count = 1, windowSeconds = MINUTE_SECONDS } = use;
      const now = clock.now();
      const windowMillis = windowSeconds * 1_000;
      const endsAt = new Date((Math.floor(now.getTime() / windowMillis) + 1) * windowMillis);
      const tenantId = use.tenantId ?? '';
      const { result, details } = use;
      // One call into the engine: this is on the path of every read.
      const name = JSON.stringify([
        environment,
        tenantId,
        action,
        connectionId,
        result,
        details,
        actor,
        endsAt,
      ]);
      const known = waiting.get(name);
      if (known) {
        known.count += count;
        known.lastAt = now;
        return;
      }
      const content = JSON.stringify(auditContent(details, result, actor));
      add({
        bucket: name,
        ...{ environment, tenantId, action, connectionId, content, count, firstAt: now, lastAt: now, endsAt },
      });
    },

    /** For every beat: writes what was counted every few seconds, and tells of windows that are over. */
    async tick(): Promise<void> {
      const now = clock.now();
      if (Math.abs(now.getTime() - flushedAt) < FLUSH_SECONDS * 1_000) return;
      flushedAt = now.getTime();
      await flush();
      await settle('audit_counts_settle', SETTLE, [addSeconds(now, -SETTLE_AFTER_SECONDS)]);
    },

    flush,

    /** Tells of a tenant's uses before their windows are over: those of until a moment. */
    async settleTenant({ environment, tenantId }: ChainPlace, until: Date): Promise<void> {
      await flush();
      await settle('audit_counts_settle_tenant', SETTLE_TENANT, [environment, tenantId, until]);
    },
  };
};

/** Counts uses for the audit. */
export type UseCounts = ReturnType<typeof createUseCounts>;
