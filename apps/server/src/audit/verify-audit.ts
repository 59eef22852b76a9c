import type { KeyObject } from 'node:crypto';
import type { AuditFault, AuditVerification } from '@authpipe/types';
import { addSeconds } from '../clock.js';
import type { Database } from '../db/database.js';
import type { AuditKey } from './audit-key-store.js';
import { type ChainHead, findHead, HEAD_COLUMNS, trustedEnds } from './chain-head.js';
import { type ChainCheck, createChainCheck } from './check-chain.js';
import { type ChainPlace, hex } from './entry-hash.js';
import { storedEntries } from './stored-entries.js';

/** Which chains to look at; all, when left out. */
export interface VerifyFilter {
  readonly environment?: string | undefined;
  readonly tenantId?: string | undefined;
}

/** Where a chain stood when somebody wrote it down, outside of the database. */
export interface Anchor extends ChainPlace {
  readonly position: number;
  /** Hexadecimal digits. */
  readonly hash: string;
}

const MAX_FAULTS = 100;

const CONDITION = '($1::text IS NULL OR environment = $1) AND ($2::text IS NULL OR tenant_id = $2)';
const HEADS = `SELECT ${HEAD_COLUMNS} FROM audit_heads h WHERE ${CONDITION} ORDER BY environment, tenant_id`;
const WAITING = `SELECT (SELECT count(*) FROM audit_pending WHERE ${CONDITION})::int AS count`;
const HEADLESS = `SELECT DISTINCT environment, tenant_id AS "tenantId" FROM audit_entries e WHERE ${CONDITION}
  AND NOT EXISTS (SELECT 1 FROM audit_heads h WHERE h.environment = e.environment AND h.tenant_id = e.tenant_id)`;
/** What the product's chain says of the others, or is about to. */
const STARTED = `SELECT environment, content->'details'->>'tenantId' AS "tenantId", count(*)::int AS count FROM (
    SELECT environment, tenant_id, action, content FROM audit_entries
    UNION ALL SELECT environment, tenant_id, action, content FROM audit_pending) told
  WHERE tenant_id = '' AND action = 'audit.started' AND content IS NOT NULL AND ($1::text IS NULL OR environment = $1)
    AND ($2::text IS NULL OR content->'details'->>'tenantId' = $2)
  GROUP BY 1, 2`;
/** The product's own chains, and whether the beginnings of others are still in them: those that are too old are forgotten. */
const OWN = `SELECT environment, first_position = 1 AS "isWhole" FROM audit_heads
  WHERE tenant_id = '' AND ($1::text IS NULL OR environment = $1)`;
/** Since when entries are sealed, whether there is a chain at all, and when the oldest began, where all are whole. */
const BEGINNING = `SELECT
  (SELECT min(created_at) FROM audit_keys) AS "keyMadeAt", EXISTS (SELECT 1 FROM audit_heads) AS "hasChains",
  (SELECT min(e.time) FROM audit_heads h JOIN audit_entries e ON e.environment = h.environment AND e.tenant_id = h.tenant_id
    AND e.position = 1 HAVING bool_and(h.first_position = 1)) AS "beganAt"`;
/** The first entry follows the key at once; that much is left to clocks and to a server that was stopped in between. */
const LONGEST_BEGINNING_SECONDS = 3600;
const AT = `SELECT hash FROM audit_entries WHERE environment = $1 AND tenant_id = $2 AND position = $3`;

const wholeChain = (
  { environment, tenantId }: ChainPlace,
  fault: AuditFault['fault'],
  detail: string,
  position: number | null = null,
): AuditFault => ({ environment, tenantId: tenantId === '' ? null : tenantId, position, fault, detail });

/** Checks the audit against its hashes and seals. Nothing is written. */
export const createVerifyAudit = ({
  db,
  auditKey,
}: {
  readonly db: Database;
  readonly auditKey: AuditKey;
}) => {
  const missingChains = async (filter: readonly unknown[], heads: readonly ChainHead[]) => {
    const known = new Set(heads.map(({ environment, tenantId }) => JSON.stringify([environment, tenantId])));
    const headless = await db.query<ChainPlace>('audit_headless', HEADLESS, filter, { mayTakeLong: true });
    const started = await db.query<ChainPlace & { count: number }>('audit_started', STARTED, filter, {
      mayTakeLong: true,
    });
    const own = await db.query<{ environment: string; isWhole: boolean }>('audit_own', OWN, [filter[0]]);
    const isStarted = new Set(
      started.map(({ environment, tenantId }) => JSON.stringify([environment, tenantId])),
    );
    const others = heads.filter(({ tenantId }) => tenantId !== '');
    const environments = [...new Set(others.map(({ environment }) => environment))];
    const isUntold = ({ environment, tenantId }: ChainHead): boolean =>
      own.some((chain) => chain.environment === environment && chain.isWhole) &&
      !isStarted.has(JSON.stringify([environment, tenantId]));
    const untold = new Set(others.filter(isUntold).map(({ environment }) => environment));
    return [
      ...headless.map((place) =>
        wholeChain(place, 'chain_missing', 'there is no word on how far its chain goes'),
      ),
      ...started
        .filter(({ environment, tenantId }) => !known.has(JSON.stringify([environment, tenantId])))
        .map((place) => wholeChain(place, 'chain_missing', 'its chain was taken out as a whole')),
      ...started
        .filter(({ count }) => count > 1)
        .map((place) =>
          wholeChain(place, 'chain_restarted', 'its chain was taken out as a whole, and began anew'),
        ),
      ...environments
        .filter((environment) => own.every((chain) => chain.environment !== environment))
        .map((environment) =>
          wholeChain({ environment, tenantId: '' }, 'chain_missing', 'its chain was taken out as a whole'),
        ),
      ...[...untold].map((environment) =>
        wholeChain(
          { environment, tenantId: '' },
          'chain_restarted',
          'it does not tell of chains that began: it was taken out as a whole, and began anew',
        ),
      ),
    ];
  };

  /** Of all chains together there is no word but the key's: it is made with the first entry. */
  const missingAudit = async (): Promise<AuditFault[]> => {
    const [row] = await db.query<{ keyMadeAt: Date | null; hasChains: boolean; beganAt: Date | null }>(
      'audit_beginning',
      BEGINNING,
      [],
      { mayTakeLong: true },
    );
    if (!row?.keyMadeAt) return [];
    const since = `sealed since ${row.keyMadeAt.toISOString()}`;
    const all = { environment: '', tenantId: '' };
    if (!row.hasChains)
      return [wholeChain(all, 'chain_missing', `all chains were taken out: entries are ${since}`)];
    const isLate = row.beganAt !== null && addSeconds(row.keyMadeAt, LONGEST_BEGINNING_SECONDS) < row.beganAt;
    return isLate
      ? [
          wholeChain(
            all,
            'chain_restarted',
            `all chains were taken out, and began anew: entries are ${since}`,
          ),
        ]
      : [];
  };

  const headNow = ({ environment, tenantId }: ChainPlace) => findHead(db, { environment, tenantId });

  const checkChain = async (key: KeyObject, head: ChainHead): Promise<ReturnType<ChainCheck['end']>> => {
    const check = createChainCheck(key, head);
    for await (const entry of storedEntries(db, head, trustedEnds(key, head).firstPosition)) {
      // Written after the head was read?
      if (entry.position > head.position && ((await headNow(head))?.position ?? 0) > head.position) break;
      check.see(entry);
    }
    const found = check.end();
    if (found.faults.length === 0) return found;
    // What was forgotten by policy, or erased, while this looked is no fault.
    const now = await headNow(head);
    const isSame =
      now?.firstPosition === head.firstPosition && now.erasedAt?.getTime() === head.erasedAt?.getTime();
    return !now || isSame ? found : checkChain(key, now);
  };

  const checkAnchor = async ({ position, hash, ...place }: Anchor, heads: readonly ChainHead[]) => {
    const head = heads.find(
      (each) => each.environment === place.environment && each.tenantId === place.tenantId,
    );
    if (head && position < head.firstPosition - 1) return null;
    const [row] = await db.query<{ hash: Uint8Array }>('audit_at', AT, [
      ...[place.environment, place.tenantId, position],
    ]);
    const found = row?.hash ?? (head && position === head.firstPosition - 1 ? head.firstPreviousHash : null);
    if (found && hex(found) === hash) return null;
    const detail = found
      ? 'it is not the entry that was there when the anchor was written down'
      : 'it was there when the anchor was written down';
    return wholeChain(place, found ? 'changed' : 'cut_off', detail, position);
  };

  return {
    /**
     * Looks at every entry of the chains that the filter means.
     * @param anchors heads that were written down earlier: they find what even somebody with an older copy of the
     *   database could put back
     */
    async verify(filter: VerifyFilter = {}, anchors: readonly Anchor[] = []): Promise<AuditVerification> {
      const values = [filter.environment ?? null, filter.tenantId ?? null];
      const heads = await db.query<ChainHead>('audit_heads', HEADS, values);
      const [waiting] = await db.query<{ count: number }>('audit_waiting', WAITING, values);
      const faults: AuditFault[] = [...(await missingAudit()), ...(await missingChains(values, heads))];
      let [entries, erased] = [0, 0];
      for (const head of heads) {
        const found = await checkChain(await auditKey(), head);
        entries += found.entries;
        erased += found.erased;
        faults.push(...found.faults);
      }
      for (const anchor of anchors) {
        const fault = await checkAnchor(anchor, heads);
        if (fault) faults.push(fault);
      }
      return {
        intact: faults.length === 0,
        chains: heads.length,
        ...{ entries, erased, waiting: waiting?.count ?? 0 },
        faults: faults.slice(0, MAX_FAULTS),
      };
    },

    /** Where all chains stand now, to be written down elsewhere: `verify` takes them as anchors. */
    async heads(filter: VerifyFilter = {}): Promise<Anchor[]> {
      const values = [filter.environment ?? null, filter.tenantId ?? null];
      const heads = await db.query<ChainHead>('audit_heads', HEADS, values);
      return heads.map(({ environment, tenantId, position, hash }) => ({
        ...{ environment, tenantId, position, hash: hex(hash) },
      }));
    },
  };
};

export type VerifyAudit = ReturnType<typeof createVerifyAudit>;
