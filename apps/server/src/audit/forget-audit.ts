import { asTask } from '../actor.js';
import { addSeconds, type Clock } from '../clock.js';
import { appendAudit, auditContent, insertAudit } from '../db/append-audit.js';
import type { Database } from '../db/database.js';
import type { Logger } from '../log/logger.js';
import type { AuditKey } from './audit-key-store.js';
import { type ChainHead, findHead, HEAD_COLUMNS, isSealed } from './chain-head.js';
import { type ChainPlace, headSeal } from './entry-hash.js';
import { ERASURE } from './erasure.js';

export interface ForgetAuditDependencies {
  readonly db: Database;
  readonly auditKey: AuditKey;
  /** Gives what waits its place. */
  readonly chainEntries: () => Promise<void>;
  /** Has uses of a tenant that are still being counted wait for their place, those of before a moment. */
  readonly settleTenant: (place: ChainPlace, until: Date) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
  /** `AUTHPIPE_AUDIT_RETENTION_DAYS` */
  readonly retentionDays: number;
}

const SECONDS_PER_DAY = 86_400;
/** Rows that one statement deletes or erases. */
const AT_ONCE = 5_000;
/** Writes of others that a new head gives way to. */
const MAX_ATTEMPTS = 8;
/**
 * For so long after an erasure the sweep fetches uses that other replicas had counted, and erases what a server that died
 * in between left. What comes later still loses its contents as it gets its place.
 */
const LATE_SECONDS = 3_600;

const HEADS = `SELECT ${HEAD_COLUMNS} FROM audit_heads h WHERE h.position >= h.first_position
  AND EXISTS (SELECT 1 FROM audit_entries e WHERE e.environment = h.environment AND e.tenant_id = h.tenant_id
    AND e.position = h.first_position AND e.time < $1)`;

/** Up to the first entry that is young enough: what is written later may tell of earlier. */
const CUT = `SELECT position, hash FROM audit_entries WHERE environment = $1 AND tenant_id = $2 AND position = coalesce(
  (SELECT min(position) FROM audit_entries WHERE environment = $1 AND tenant_id = $2 AND time >= $3), $4::bigint + 1) - 1`;

/**
 * What the product's chain forgets of chains that began it tells anew, by the same statement: a chain that is taken out as a
 * whole is missed however old it is.
 */
const MOVE_HEAD = `WITH moved AS (
    UPDATE audit_heads SET first_position = $3, first_previous_hash = $4, erased_at = $5, seal = $6
    WHERE environment = $1 AND tenant_id = $2 AND seal = $7 RETURNING environment, tenant_id
  ), carried AS (${insertAudit({
    environment: 'f.environment',
    tenantId: "''",
    action: "'audit.started'",
    time: '$9::timestamptz',
    content: `jsonb_set($10::jsonb, '{details,tenantId}', f.started)`,
    from: `(SELECT DISTINCT e.environment, e.content->'details'->'tenantId' AS started
      FROM moved JOIN audit_entries e ON e.environment = moved.environment AND e.tenant_id = moved.tenant_id
      WHERE moved.tenant_id = '' AND e.action = 'audit.started' AND e.position >= $8 AND e.position < $3) f
      WHERE jsonb_typeof(f.started) = 'string'`,
  })}) SELECT environment FROM moved`;

const DELETE = `WITH gone AS (
    DELETE FROM audit_entries WHERE sequence IN (SELECT e.sequence FROM audit_entries e
      JOIN audit_heads h ON h.environment = e.environment AND h.tenant_id = e.tenant_id
      WHERE e.environment = $1 AND e.tenant_id = $2 AND e.position < h.first_position LIMIT ${AT_ONCE}) RETURNING 1
  ) SELECT count(*)::int AS count FROM gone`;

const ERASE = `WITH erased AS (
    UPDATE audit_entries SET content = NULL, salt = NULL WHERE sequence IN (
      SELECT sequence FROM audit_entries WHERE environment = $1 AND tenant_id = $2 AND time <= $3 AND content IS NOT NULL
      AND action <> '${ERASURE}'
      LIMIT ${AT_ONCE}) RETURNING 1
  ) SELECT count(*)::int AS count FROM erased`;

/** What still waits, as it does where somebody else wrote into the chain: it gets its place without contents. */
const ERASE_WAITING = `UPDATE audit_pending SET content = '{"who":null,"where":null,"result":null,"details":{}}'
  WHERE environment = $1 AND tenant_id = $2 AND time <= $3 AND action <> '${ERASURE}'`;

const LATELY_ERASED = `SELECT ${HEAD_COLUMNS} FROM audit_heads h WHERE h.erased_at > $1`;

/** Ends of the audit: what is older than the policy keeps, and what an erased tenant leaves. */
export const createForgetAudit = ({
  db,
  auditKey,
  chainEntries,
  settleTenant,
  clock,
  log,
  retentionDays,
}: ForgetAuditDependencies) => {
  /**
   * Changes a chain's ends, whoever extends it meanwhile.
   * @returns whether these may be believed: ends that somebody else wrote are left as they are
   * @throws when others write them all the time
   */
  const moveHead = async (
    { environment, tenantId }: ChainPlace,
    change: (head: ChainHead) => Promise<ChainHead | null>,
  ): Promise<boolean> => {
    const key = await auditKey.open();
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const head = await findHead(db, { environment, tenantId });
      if (!head) return true;
      if (!isSealed(key, head)) return false;
      const next = await change(head);
      if (!next) return true;
      const { firstPosition, firstPreviousHash, erasedAt } = next;
      const carried = asTask('audit', () => auditContent({ tenantId: '', carried: true }));
      const moved = await db.query('audit_head_move', MOVE_HEAD, [
        ...[
          environment,
          tenantId,
          firstPosition,
          firstPreviousHash,
          erasedAt,
          headSeal(key, next),
          head.seal,
        ],
        ...[head.firstPosition, clock.now(), JSON.stringify(carried)],
      ]);
      if (moved.length > 0) return true;
    }
    throw new Error('the ends of an audit chain were written all the time: they could not be changed');
  };

  const repeat = async (name: string, sql: string, values: readonly unknown[]): Promise<void> => {
    let count: number;
    do {
      const [row] = await db.query<{ count: number }>(name, sql, values, { mayTakeLong: true });
      count = row?.count ?? 0;
    } while (count === AT_ONCE);
  };

  const eraseContents = ({ environment, tenantId }: ChainPlace, until: Date): Promise<void> =>
    repeat('audit_erase', ERASE, [environment, tenantId, until]);

  return {
    /** Forgets entries that are older than the policy says. What is left is proved as before, from the cut on. */
    async sweep(now: Date): Promise<void> {
      const before = addSeconds(now, -retentionDays * SECONDS_PER_DAY);
      const old = await db.query<ChainHead>('audit_heads_old', HEADS, [before], { mayTakeLong: true });
      for (const { environment, tenantId } of old) {
        // First the word on where the chain begins: entries below it are no longer promised.
        await moveHead({ environment, tenantId }, async (head) => {
          const [cut] = await db.query<{ position: number; hash: Uint8Array }>('audit_cut', CUT, [
            ...[environment, tenantId, before, head.position],
          ]);
          if (!cut || cut.position < head.firstPosition) return null;
          return { ...head, firstPosition: cut.position + 1, firstPreviousHash: cut.hash };
        });
        await repeat('audit_forget', DELETE, [environment, tenantId]);
      }
      const late = addSeconds(now, -LATE_SECONDS);
      for (const head of await db.query<ChainHead>('audit_lately_erased', LATELY_ERASED, [late])) {
        if (!head.erasedAt) continue;
        await settleTenant(head, head.erasedAt);
        await eraseContents(head, head.erasedAt);
      }
    },

    /**
     * Takes who, where, result and details out of all that the audit has of a tenant until now. That the entries were
     * there stays proved, and that the tenant was erased is told, with who did it.
     */
    async eraseTenant(
      environment: string,
      tenantId: string,
      details: { readonly connections: number },
    ): Promise<void> {
      const place = { environment, tenantId };
      const erasedAt = clock.now();
      await settleTenant(place, erasedAt);
      // A run that was under way may have looked before; the second begins after.
      await chainEntries();
      await chainEntries();
      const isProved = await moveHead(place, async (head) => ({ ...head, erasedAt }));
      await eraseContents(place, erasedAt);
      await db.query('audit_erase_waiting', ERASE_WAITING, [environment, tenantId, erasedAt]);
      if (!isProved)
        log.error(
          place,
          'a tenant was erased whose audit chain was changed by somebody else: that an erasure took contents is not proved. Run `authpipe audit verify`.',
        );
      await appendAudit(db, { ...place, action: ERASURE, time: erasedAt, details });
    },
  };
};

export type ForgetAudit = ReturnType<typeof createForgetAudit>;
