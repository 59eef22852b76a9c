import type { KeyObject } from 'node:crypto';
import type { AuditFault, AuditVerification } from '@authpipe/types';
import type { Database } from '../db/database.js';
import { faultsOfAccepted } from './accepted-faults.js';
import type { AuditKey } from './audit-key-store.js';
import { type ChainHead, findHead, HEAD_COLUMNS, trustedEnds } from './chain-head.js';
import { type Anchor, checkAnchor } from './check-anchor.js';
import { type ChainCheck, createChainCheck } from './check-chain.js';
import { type Checkpoints, readCheckpoints } from './checkpoints.js';
import { type ChainPlace, hex } from './entry-hash.js';
import { createFindMissingChains } from './missing-chains.js';
import { acceptedChains } from './product-chain.js';
import { entriesBefore, storedEntries } from './stored-entries.js';

/** Which chains to look at; all, when left out. */
export interface VerifyFilter {
  readonly environment?: string | undefined;
  readonly tenantId?: string | undefined;
}

const MAX_FAULTS = 100;

const CONDITION = '($1::text IS NULL OR environment = $1) AND ($2::text IS NULL OR tenant_id = $2)';
const HEADS = `SELECT ${HEAD_COLUMNS} FROM audit_heads h WHERE ${CONDITION} ORDER BY environment, tenant_id`;
const WAITING = `SELECT (SELECT count(*) FROM audit_pending WHERE ${CONDITION})::int AS count`;

const nameOf = (place: { readonly environment: string; readonly tenantId: string | null }): string =>
  JSON.stringify([place.environment, place.tenantId]);

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

  /** Where these chains stood by the word of the product's own; those that are gone are named by themselves. */
  const checkpoints = async (heads: readonly ChainHead[]): Promise<Anchor[]> => {
    const told: Checkpoints = new Map();
    await readCheckpoints(db, told);
    const known = new Set(heads.map(nameOf));
    return [...told.values()].filter((each) => known.has(nameOf(each)));
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
      const isNamed = (fault: AuditFault) =>
        faults.some((each) => nameOf(each) === nameOf(fault) && each.fault === fault.fault);
      for (const told of await checkpoints(heads)) {
        const fault = await checkAnchor(db, told, 'at a checkpoint of the product’s own chain');
        if (fault && !isNamed(fault)) faults.push(fault);
      }
      const isMeant = ({ environment, tenantId }: ChainPlace) =>
        environment === (filter.environment ?? environment) && tenantId === (filter.tenantId ?? tenantId);
      for (const anchor of anchors.filter(isMeant)) {
        const fault = await checkAnchor(db, anchor, 'when the anchor was written down');
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
