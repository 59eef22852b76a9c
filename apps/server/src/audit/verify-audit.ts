import type { KeyObject } from 'node:crypto';
import type { AuditVerification } from '@authpipe/types';
import type { Database } from '../db/database.js';
import { faultsOfAccepted } from './accepted-faults.js';
import type { AuditKey } from './audit-key-store.js';
import { type ChainHead, findHead, HEAD_COLUMNS, trustedEnds } from './chain-head.js';
import { type ChainCheck, createChainCheck } from './check-chain.js';
import { type ChainPlace, hex } from './entry-hash.js';
import { createFindMissingChains, faultOfChain } from './missing-chains.js';
import { acceptedChains } from './product-chain.js';
import { entriesBefore, storedEntries } from './stored-entries.js';

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
const AT = `SELECT hash FROM audit_entries WHERE environment = $1 AND tenant_id = $2 AND position = $3`;

/** Checks the audit against its hashes and seals. Nothing is written. */
export const createVerifyAudit = ({
  db,
  auditKey,
}: {
  readonly db: Database;
  readonly auditKey: AuditKey;
}) => {
  const findMissingChains = createFindMissingChains({ db, auditKey });

  const headNow = ({ environment, tenantId }: ChainPlace) => findHead(db, { environment, tenantId });

  const checkChain = async (key: KeyObject, head: ChainHead): Promise<ReturnType<ChainCheck['end']>> => {
    const check = createChainCheck(key, head);
    const { firstPosition } = trustedEnds(key, head);
    for (const entry of await entriesBefore(db, head, firstPosition)) check.seeBefore(entry);
    for await (const entry of storedEntries(db, head, firstPosition)) {
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
    return faultOfChain(place, found ? 'changed' : 'cut_off', detail, position);
  };

  return {
    /**
     * Looks at every entry of the chains that the filter means.
     * @param anchors heads that were written down earlier: they find what even somebody with an older copy of the
     *   database could put back; those of chains that the filter does not mean are not looked at
     */
    async verify(filter: VerifyFilter = {}, anchors: readonly Anchor[] = []): Promise<AuditVerification> {
      const values = [filter.environment ?? null, filter.tenantId ?? null] as const;
      const heads = await db.query<ChainHead>('audit_heads', HEADS, values);
      const [waiting] = await db.query<{ count: number }>('audit_waiting', WAITING, values);
      const faults = await findMissingChains(...values, heads);
      faults.push(...faultsOfAccepted(await acceptedChains(db, ...values)));
      let [entries, erased] = [0, 0];
      for (const head of heads) {
        const found = await checkChain(await auditKey.open(), head);
        entries += found.entries;
        erased += found.erased;
        faults.push(...found.faults);
      }
      const isMeant = ({ environment, tenantId }: ChainPlace) =>
        environment === (filter.environment ?? environment) && tenantId === (filter.tenantId ?? tenantId);
      for (const anchor of anchors.filter(isMeant)) {
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
