import type { Clock } from '../clock.js';
import { appendAudit } from '../db/append-audit.js';
import type { Database } from '../db/database.js';
import type { AuditKey } from './audit-key-store.js';
import { findHead, trustedEnds } from './chain-head.js';
import { type ChainPlace, GENESIS, headSeal, hex } from './entry-hash.js';

const LAST = `SELECT position, hash FROM audit_entries WHERE environment = $1 AND tenant_id = $2
  ORDER BY position DESC LIMIT 1`;

const RESEAL = `INSERT INTO audit_heads AS h (environment, tenant_id, position, hash, first_position, first_previous_hash, seal)
  VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (environment, tenant_id) DO UPDATE SET position = excluded.position, hash = excluded.hash,
    first_position = excluded.first_position, first_previous_hash = excluded.first_previous_hash,
    erased_at = $8, seal = excluded.seal`;

/**
 * Goes on with a chain that somebody else wrote into, from the last entry that is there now: a person has looked. What is
 * wrong with its entries stays wrong, and `verify` goes on naming it. That a person accepted it, and where it stood, is
 * told in the product's own chain. Where the word on its ends is not the server's, the chain is taken to begin at its first
 * entry, with nothing erased.
 */
export const acceptChain = async (
  { db, auditKey, clock }: { readonly db: Database; readonly auditKey: AuditKey; readonly clock: Clock },
  { environment, tenantId }: ChainPlace,
): Promise<{ readonly position: number }> => {
  const key = await auditKey();
  const found = await findHead(db, { environment, tenantId });
  const head = found && trustedEnds(key, found);
  const [last] = await db.query<{ position: number; hash: Uint8Array }>('audit_last', LAST, [
    environment,
    tenantId,
  ]);
  const position = last?.position ?? 0;
  const ends = {
    ...{ environment, tenantId, position, hash: last?.hash ?? GENESIS },
    ...{ firstPosition: head?.firstPosition ?? 1, firstPreviousHash: head?.firstPreviousHash ?? GENESIS },
    erasedAt: head?.erasedAt ?? null,
  };
  await db.query('audit_reseal', RESEAL, [
    ...[environment, tenantId, position, ends.hash, ends.firstPosition, ends.firstPreviousHash],
    headSeal(key, ends),
    ends.erasedAt,
  ]);
  await appendAudit(db, {
    ...{ environment, tenantId: null, action: 'audit.accepted', time: clock.now() },
    details: { tenantId, position, hash: hex(ends.hash), before: head?.position ?? null },
  });
  return { position };
};
