import { type KeyObject, timingSafeEqual } from 'node:crypto';
import type { Database } from '../db/database.js';
import { type ChainEnds, type ChainPlace, GENESIS, headSeal } from './entry-hash.js';

/** A chain's ends as they are stored. */
export interface ChainHead extends ChainEnds {
  readonly seal: Uint8Array;
}

/** Columns of `audit_heads` under the names of `ChainHead`, for `h`. */
export const HEAD_COLUMNS = `h.environment, h.tenant_id AS "tenantId", h.position, h.hash, h.first_position AS "firstPosition",
  h.first_previous_hash AS "firstPreviousHash", h.erased_at AS "erasedAt", h.seal`;

const HEAD = `SELECT ${HEAD_COLUMNS} FROM audit_heads h WHERE environment = $1 AND tenant_id = $2`;

/** The ends of one chain, as they stand now. */
export const findHead = async (
  db: Database,
  { environment, tenantId }: ChainPlace,
): Promise<ChainHead | undefined> => {
  const [head] = await db.query<ChainHead>('audit_head', HEAD, [environment, tenantId]);
  return head;
};

/** Whether the server wrote these ends, and nobody after it. */
export const isSealed = (key: KeyObject, head: ChainHead): boolean => {
  const expected = headSeal(key, head);
  return expected.length === head.seal.length && timingSafeEqual(expected, head.seal);
};

/**
 * What may be believed of a chain's ends: of those that somebody else wrote neither that entries before the first were
 * forgotten by policy, nor that contents were erased.
 */
export const trustedEnds = (key: KeyObject, head: ChainHead): ChainHead =>
  isSealed(key, head) ? head : { ...head, firstPosition: 1, firstPreviousHash: GENESIS, erasedAt: null };
