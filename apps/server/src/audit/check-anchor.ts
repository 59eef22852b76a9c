import type { AuditFault } from '@authpipe/types';
import type { Database } from '../db/database.js';
import { findHead } from './chain-head.js';
import { type ChainPlace, hex } from './entry-hash.js';
import { faultOfChain } from './missing-chains.js';

/** Where a chain stood when somebody wrote it down. */
export interface Anchor extends ChainPlace {
  readonly position: number;
  /** Hexadecimal digits. */
  readonly hash: string;
}

const AT = `SELECT hash FROM audit_entries WHERE environment = $1 AND tenant_id = $2 AND position = $3`;

/**
 * Compares a chain with where it once stood.
 * @param when in words, when that was
 * @returns `null` when it goes on from there, or when what was there is forgotten
 */
export const checkAnchor = async (
  db: Database,
  { position, hash, ...place }: Anchor,
  when: string,
): Promise<AuditFault | null> => {
  const [row] = await db.query<{ hash: Uint8Array }>('audit_at', AT, [
    ...[place.environment, place.tenantId, position],
  ]);
  // After: where a chain begins is told before what is forgotten goes.
  const head = await findHead(db, place);
  if (head && position < head.firstPosition - 1) return null;
  const found = row?.hash ?? (head && position === head.firstPosition - 1 ? head.firstPreviousHash : null);
  if (found && hex(found) === hash) return null;
  const detail = found ? `it is not the entry that was there ${when}` : `it was there ${when}`;
  return faultOfChain(place, found ? 'changed' : 'cut_off', detail, position);
};
