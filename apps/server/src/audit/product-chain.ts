import { z } from 'zod';
import type { Database } from '../db/database.js';
import type { ChainPlace } from './entry-hash.js';

/** A chain that the product's own chain tells of. */
export interface StartedChain extends ChainPlace {
  /** How often it began: more than once after somebody took it out. */
  readonly count: number;
}

/** A person had a chain go on from its last entry. */
export interface AcceptedChain extends ChainPlace {
  /** From where it went on. */
  readonly position: number;
  /** How far it went by the word on its ends; `null` when there was none. */
  readonly before: number | null;
  /** Whether that word was the server's. */
  readonly isSealed: boolean;
}

/** Entries of one action in the product's own chains, also those that wait for a place; not those that are forgotten. */
const toldSql = (action: string): string => `SELECT e.environment, e.content FROM audit_entries e
    LEFT JOIN audit_heads h ON h.environment = e.environment AND h.tenant_id = ''
    WHERE e.tenant_id = '' AND e.action = '${action}' AND e.position >= coalesce(h.first_position, 1)
  UNION ALL SELECT environment, content FROM audit_pending WHERE tenant_id = '' AND action = '${action}'`;

const FILTER = `($1::text IS NULL OR environment = $1)
  AND ($2::text IS NULL OR content->'details'->>'tenantId' = $2)`;

// Marks that were carried on stand for one beginning, which is forgotten.
const STARTED = `SELECT environment, "tenantId", (count(*) FILTER (WHERE NOT carried) + max(carried::int))::int AS count
  FROM (SELECT environment, content->'details'->>'tenantId' AS "tenantId",
      coalesce(content->'details'->>'carried' = 'true', false) AS carried
    FROM (${toldSql('audit.started')}) told WHERE content IS NOT NULL AND ${FILTER}) marks
  GROUP BY 1, 2`;

const ACCEPTED = `SELECT environment, content->'details' AS details FROM (${toldSql('audit.accepted')}) told WHERE ${FILTER}`;

const SLOW = { mayTakeLong: true };

const acceptedDetails = z.object({
  tenantId: z.string(),
  position: z.int(),
  before: z.int().nullable(),
  isSealed: z.boolean().default(true),
});

/** Chains that began, by what the product's own say; `null` for all environments or tenants. */
export const startedChains = (
  db: Database,
  environment: string | null,
  tenantId: string | null,
): Promise<StartedChain[]> => db.query<StartedChain>('audit_started', STARTED, [environment, tenantId], SLOW);

/** Chains that a person had go on, by the same. */
export const acceptedChains = async (
  db: Database,
  environment: string | null,
  tenantId: string | null,
): Promise<AcceptedChain[]> => {
  const rows = await db.query<{ environment: string; details: unknown }>(
    'audit_accepted',
    ACCEPTED,
    [environment, tenantId],
    SLOW,
  );
  return rows.flatMap((row) => {
    const { data } = acceptedDetails.safeParse(row.details);
    // What is not as it was written is named as an entry of its chain.
    return data ? [{ environment: row.environment, ...data }] : [];
  });
};
