import type { Clock } from '../clock.js';
import { appendAudit, auditContent, insertAudit } from '../db/append-audit.js';
import type { Database } from '../db/database.js';
import type { AuditKey } from './audit-key-store.js';
import { findHead, isSealed, trustedEnds } from './chain-head.js';
import { type ChainPlace, GENESIS, headSeal, hex } from './entry-hash.js';
import { startedChains } from './product-chain.js';

const LAST = `SELECT position, hash FROM audit_entries WHERE environment = $1 AND tenant_id = $2
  ORDER BY position DESC LIMIT 1`;

const ACCEPT = `WITH resealed AS (
    INSERT INTO audit_heads AS h (environment, tenant_id, position, hash, first_position, first_previous_hash, seal)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (environment, tenant_id) DO UPDATE SET position = excluded.position, hash = excluded.hash,
      first_position = excluded.first_position, first_previous_hash = excluded.first_previous_hash,
      erased_at = $8, seal = excluded.seal
    RETURNING h.environment
  ) ${insertAudit({
    environment: 'resealed.environment',
    tenantId: "''",
    action: "'audit.accepted'",
    time: '$9::timestamptz',
    content: '$10::jsonb',
    from: 'resealed',
  })}`;

/**
 * Goes on with a chain that somebody else wrote into, from the last entry that is there now: a person has looked. What is
 * wrong with its entries stays wrong, and `verify` goes on naming it. That a person accepted it, and where it stood, is
 * told in the product's own chain, by which `verify` names what was wrong with its ends. Where the word on these is not the
 * server's, the chain is taken to begin at its first entry, with nothing erased.
 * @returns from where it goes on; `null` where there is no such chain, and nothing tells that there was one
 */
export const acceptChain = async (
  { db, auditKey, clock }: { readonly db: Database; readonly auditKey: AuditKey; readonly clock: Clock },
  { environment, tenantId }: ChainPlace,
): Promise<{ readonly position: number } | null> => {
  const key = await auditKey.open();
  const found = await findHead(db, { environment, tenantId });
  const head = found && trustedEnds(key, found);
  const [last] = await db.query<{ position: number; hash: Uint8Array }>('audit_last', LAST, [
    environment,
    tenantId,
  ]);
  if (!found) {
    const isTold = (await startedChains(db, environment, tenantId)).length > 0;
    if (!last && !isTold) return null;
    // Else it would look as if the product's chain had begun anew.
    if (!isTold && tenantId !== '')
      await appendAudit(db, {
        ...{ environment, tenantId: null, action: 'audit.started', time: clock.now() },
        details: { tenantId, carried: true },
      });
  }
  const position = last?.position ?? 0;
  const ends = {
    ...{ environment, tenantId, position, hash: last?.hash ?? GENESIS },
    ...{ firstPosition: head?.firstPosition ?? 1, firstPreviousHash: head?.firstPreviousHash ?? GENESIS },
    erasedAt: head?.erasedAt ?? null,
  };
  const details = {
    ...{ tenantId, position, hash: hex(ends.hash), before: found?.position ?? null },
    isSealed: found !== undefined && isSealed(key, found),
  };
  await db.query('audit_accept', ACCEPT, [
    ...[environment, tenantId, position, ends.hash, ends.firstPosition, ends.firstPreviousHash],
    ...[headSeal(key, ends), ends.erasedAt, clock.now(), JSON.stringify(auditContent(details))],
  ]);
  return { position };
};
