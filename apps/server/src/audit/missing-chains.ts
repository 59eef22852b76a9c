import type { AuditFault } from '@authpipe/types';
import { addSeconds } from '../clock.js';
import type { Database } from '../db/database.js';
import type { AuditKey } from './audit-key-store.js';
import type { ChainPlace } from './entry-hash.js';
import { type StartedChain, startedChains } from './product-chain.js';

const CONDITION = '($1::text IS NULL OR environment = $1) AND ($2::text IS NULL OR tenant_id = $2)';
const PLACES = `SELECT environment, tenant_id AS "tenantId" FROM audit_heads WHERE ${CONDITION}`;
const HEADLESS = `SELECT DISTINCT environment, tenant_id AS "tenantId" FROM audit_entries e WHERE ${CONDITION}
  AND NOT EXISTS (SELECT 1 FROM audit_heads h WHERE h.environment = e.environment AND h.tenant_id = e.tenant_id)`;
/** The product's own chains, and whether the beginnings of others are still in them: those that are too old are forgotten. */
const OWN = `SELECT environment, first_position = 1 AS "isWhole" FROM audit_heads
  WHERE tenant_id = '' AND ($1::text IS NULL OR environment = $1)`;
/**
 * What tells of an audit where all chains are gone or began anew: whether there is a chain at all or an entry that waits for
 * one, when the oldest chain began, where all are whole, and the oldest API key or connection that the audit told of. In a
 * database of before the audit these are none that servers of before made, which may have gone on for some days.
 */
const BEGINNING = `WITH made AS (SELECT created_at FROM api_keys UNION ALL SELECT created_at FROM connections),
  audit AS (SELECT max(finished_at) AS since FROM _prisma_migrations WHERE migration_name = '20261125171500_audit')
  SELECT EXISTS (SELECT 1 FROM audit_heads) AS "hasChains", EXISTS (SELECT 1 FROM audit_pending) AS "isWaiting",
  (SELECT min(e.time) FROM audit_heads h LEFT JOIN audit_entries e ON e.environment = h.environment AND e.tenant_id = h.tenant_id
    AND e.position = 1 HAVING bool_and(h.first_position = 1)) AS "beganAt",
  (SELECT min(created_at) FROM made, audit WHERE created_at >= CASE
    WHEN (SELECT min(created_at) FROM made) >= since THEN since ELSE since + interval '7 days' END) AS "toldOfAt"`;
/** The first entry follows these at once; that much is left to clocks and to a server that was stopped in between. */
const LONGEST_BEGINNING_SECONDS = 3600;

interface Beginning {
  readonly hasChains: boolean;
  readonly isWaiting: boolean;
  readonly beganAt: Date | null;
  readonly toldOfAt: Date | null;
}

const SLOW = { mayTakeLong: true };
const nameOf = ({ environment, tenantId }: ChainPlace): string => JSON.stringify([environment, tenantId]);

/** A fault of a chain, rather than of what an entry says. */
export const faultOfChain = (
  { environment, tenantId }: ChainPlace,
  fault: AuditFault['fault'],
  detail: string,
  position: number | null = null,
): AuditFault => ({ environment, tenantId: tenantId === '' ? null : tenantId, position, fault, detail });

/** Finds chains that were taken out as a whole, by what is left that tells of them. */
export const createFindMissingChains = ({
  db,
  auditKey,
}: {
  readonly db: Database;
  readonly auditKey: Pick<AuditKey, 'madeAt'>;
}) => {
  /** Of all chains together there is the word of the key, which is made with the first entry, and of what they told of. */
  const allTogether = async (): Promise<AuditFault[]> => {
    const keyMadeAt = await auditKey.madeAt();
    const [row] = await db.query<Beginning>('audit_beginning', BEGINNING, [], SLOW);
    if (!row) return [];
    const all = { environment: '', tenantId: '' };
    // Again: a chain that began meanwhile made it.
    if (row.hasChains && !keyMadeAt && !(await auditKey.madeAt()))
      return [faultOfChain(all, 'chain_missing', 'the key of their seals was taken out')];
    const told = [
      ...(keyMadeAt ? [{ at: keyMadeAt, since: `entries are sealed since ${keyMadeAt.toISOString()}` }] : []),
      ...(row.toldOfAt && (row.hasChains || !row.isWaiting)
        ? [{ at: row.toldOfAt, since: `they told of what was made at ${row.toldOfAt.toISOString()}` }]
        : []),
    ];
    const { beganAt } = row;
    if (!row.hasChains)
      return told
        .slice(0, 1)
        .map(({ since }) => faultOfChain(all, 'chain_missing', `all chains were taken out: ${since}`));
    return told
      .filter(({ at }) => beganAt !== null && addSeconds(at, LONGEST_BEGINNING_SECONDS) < beganAt)
      .slice(0, 1)
      .map(({ since }) =>
        faultOfChain(all, 'chain_restarted', `all chains were taken out, and began anew: ${since}`),
      );
  };

  const tenants = (started: readonly StartedChain[], now: readonly ChainPlace[]) => {
    const there = new Set(now.map(nameOf));
    return started.flatMap(({ count, ...place }): AuditFault[] => {
      if (!there.has(nameOf(place)))
        return [faultOfChain(place, 'chain_missing', 'its chain was taken out as a whole')];
      const anew = 'its chain was taken out as a whole, and began anew';
      return count > 1 ? [faultOfChain(place, 'chain_restarted', anew)] : [];
    });
  };

  /** The product's own chains, which no longer tell of chains that are there. */
  const own = async (
    environment: string | null,
    before: readonly ChainPlace[],
    started: readonly ChainPlace[],
  ): Promise<AuditFault[]> => {
    const chains = await db.query<{ environment: string; isWhole: boolean }>('audit_own', OWN, [environment]);
    const isWhole = new Map(chains.map((chain) => [chain.environment, chain.isWhole]));
    const told = new Set(started.map(nameOf));
    const untold = before.filter((place) => place.tenantId !== '' && !told.has(nameOf(place)));
    return [...new Set(untold.map((place) => place.environment))].flatMap((name): AuditFault[] => {
      const place = { environment: name, tenantId: '' };
      if (!isWhole.has(name))
        return [faultOfChain(place, 'chain_missing', 'its chain was taken out as a whole')];
      const anew = 'it does not tell of chains that began: it was taken out as a whole, and began anew';
      return isWhole.get(name) ? [faultOfChain(place, 'chain_restarted', anew)] : [];
    });
  };

  /**
   * @param before chains that were there before this was called: one that begins meanwhile is no fault
   */
  return async (
    environment: string | null,
    tenantId: string | null,
    before: readonly ChainPlace[],
  ): Promise<AuditFault[]> => {
    const filter = [environment, tenantId];
    const headless = await db.query<ChainPlace>('audit_headless', HEADLESS, filter, SLOW);
    const started = await startedChains(db, environment, tenantId);
    const now = await db.query<ChainPlace>('audit_places', PLACES, filter);
    return [
      ...(await allTogether()),
      ...headless.map((place) =>
        faultOfChain(place, 'chain_missing', 'there is no word on how far its chain goes'),
      ),
      ...tenants(started, now),
      ...(await own(environment, before, started)),
    ];
  };
};
