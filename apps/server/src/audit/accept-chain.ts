import type { Clock } from '../clock.js';
import { appendAudit, auditContent, insertAudit } from '../db/append-audit.js';
import type { Database } from '../db/database.js';
import type { AuditKey } from './audit-key-store.js';
import { findHead, isSealed, trustedEnds } from './chain-head.js';
import { type ChainPlace, GENESIS, headSeal, hex } from './entry-hash.js';
import { startedChains } from './product-chain.js';

/** Of what is before the first that the chain promises nothing is proved. */
const LAST = `SELECT position, hash FROM audit_entries WHERE environment = $1 AND tenant_id = $2 AND position >= $3
  ORDER BY position DESC LIMIT 1`;

/** The seal that was read is the fence: a chain that a server extended since is not set back. */
const ACCEPT = `WITH resealed AS (
    INSERT INTO audit_heads AS h (environment, tenant_id, position, hash, first_position, first_previous_hash, seal)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (environment, tenant_id) DO UPDATE SET position = excluded.position, hash = excluded.hash,
      first_position = excluded.first_position, first_previous_hash = excluded.first_previous_hash,
      erased_at = $8, seal = excluded.seal
    WHERE h.seal = $11
    RETURNING h.environment
  ) ${insertAudit({
    environment: 'resealed.environment',
    tenantId: "''",
    action: "'audit.accepted'",
    time: '$9::timestamptz',
    content: '$10::jsonb',
    from: 'resealed',
  })} RETURNING sequence`;

/** Writes of others that an acceptance gives way to. */
const MAX_ATTEMPTS = 8;

/** From where a chain goes on; or why there is nothing to accept: there is no such chain, or servers go on with it. */
export type Acceptance = { readonly position: number } | 'unknown' | 'whole';

/**
 * Goes on with a chain that somebody else wrote into, from the last entry that is there now: a person has looked. What is
 * wrong with its entries stays wrong, and `verify` goes on naming it. That a person accepted it, and where it stood, is
 * told in the product's own chain, by which `verify` names what was wrong with its ends. Where the word on these is not the
 * server's, the chain is taken to begin at its first entry, with nothing erased.
 */
export const acceptChain = async (
  { db, auditKey, clock }: { readonly db: Database; readonly auditKey: AuditKey; readonly clock: Clock },
  { environment, tenantId }: ChainPlace,
): Promise<Acceptance> => {
  const key = await auditKey.open();

  /** @returns `null` when somebody wrote the chain's ends meanwhile */
  const attempt = async (): Promise<Acceptance | null> => {
    const found = await findHead(db, { environment, tenantId });
    const head = found && trustedEnds(key, found);
    const [firstPosition, firstPreviousHash] = [head?.firstPosition ?? 1, head?.firstPreviousHash ?? GENESIS];
    const [last] = await db.query<{ position: number; hash: Uint8Array }>('audit_last', LAST, [
      ...[environment, tenantId, firstPosition],
    ]);
    if (!found) {
      const isTold = (await startedChains(db, environment, tenantId)).length > 0;
      if (!last && !isTold) return 'unknown';
      // Else it would look as if the product's chain had begun anew.
      if (!isTold && tenantId !== '')
        await appendAudit(db, {
          ...{ environment, tenantId: null, action: 'audit.started', time: clock.now() },
          details: { tenantId, carried: true },
        });
    }
    const { position, hash } = last ?? { position: firstPosition - 1, hash: firstPreviousHash };
    const isHeadWhole = found !== undefined && isSealed(key, found);
    if (isHeadWhole && position === found.position && hex(hash) === hex(found.hash)) return 'whole';
    const erasedAt = head?.erasedAt ?? null;
    const ends = { environment, tenantId, position, hash, firstPosition, firstPreviousHash, erasedAt };
    const before = found?.position ?? null;
    const details = { tenantId, position, hash: hex(hash), before, isSealed: isHeadWhole };
    const accepted = await db.query('audit_accept', ACCEPT, [
      ...[
        environment,
        tenantId,
        position,
        hash,
        firstPosition,
        firstPreviousHash,
        headSeal(key, ends),
        erasedAt,
      ],
      ...[clock.now(), JSON.stringify(auditContent(details)), found?.seal ?? null],
    ]);
    return accepted.length > 0 ? { position } : null;
  };

  for (let count = 0; count < MAX_ATTEMPTS; count += 1) {
    const acceptance = await attempt();
    if (acceptance) return acceptance;
  }
  // Whoever writes it all the time is a server, which goes on with no other.
  return 'whole';
};
