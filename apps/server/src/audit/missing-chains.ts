import type { AuditFault } from '@authpipe/types';
import { addSeconds } from '../clock.js';
import type { Database } from '../db/database.js';
import type { ChainPlace } from './entry-hash.js';
import { type StartedChain, startedChains } from './product-chain.js';

const CONDITION = '($1::text IS NULL OR environment = $1) AND ($2::text IS NULL OR tenant_id = $2)';
const PLACES = `SELECT environment, tenant_id AS "tenantId" FROM audit_heads WHERE ${CONDITION}`;
const HEADLESS = `SELECT DISTINCT environment, tenant_id AS "tenantId" FROM audit_entries e WHERE ${CONDITION}
  AND NOT EXISTS (SELECT 1 FROM audit_heads h WHERE h.environment = e.environment AND h.tenant_id = e.tenant_id)`;
/** The product's own chains, and whether the beginnings of others are still in them: those that are too old are forgotten. */
const OWN = `SELECT environment, first_position = 1 AS "isWhole" FROM audit_heads
  WHERE tenant_id = '' AND ($1::text IS NULL OR environment = $1)`;
/** Since when entries are sealed, whether there is a chain at all, and when the oldest began, where all are whole. */
const BEGINNING = `SELECT
  (SELECT min(created_at) FROM audit_keys) AS "keyMadeAt", EXISTS (SELECT 1 FROM audit_heads) AS "hasChains",
  (SELECT min(e.time) FROM audit_heads h LEFT JOIN audit_entries e ON e.environment = h.environment AND e.tenant_id = h.tenant_id
    AND e.position = 1 HAVING bool_and(h.first_position = 1)) AS "beganAt"`;
/** The first entry follows the key at once; that much is left to clocks and to a server that was stopped in between. */
const LONGEST_BEGINNING_SECONDS = 3600;

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
export const createFindMissingChains = ({ db }: { readonly db: Database }) => {
  /** Of all chains together there is no word but the key's: it is made with the first entry. */
  const allTogether = async (): Promise<AuditFault[]> => {
    const [row] = await db.query<{ keyMadeAt: Date | null; hasChains: boolean; beganAt: Date | null }>(
      'audit_beginning',
      BEGINNING,
      [],
      SLOW,
    );
    if (!row?.keyMadeAt) return [];
    const all = { environment: '', tenantId: '' };
    const since = `entries are sealed since ${row.keyMadeAt.toISOString()}`;
    if (!row.hasChains) return [faultOfChain(all, 'chain_missing', `all chains were taken out: ${since}`)];
    const isLate = row.beganAt !== null && addSeconds(row.keyMadeAt, LONGEST_BEGINNING_SECONDS) < row.beganAt;
    return isLate
      ? [faultOfChain(all, 'chain_restarted', `all chains were taken out, and began anew: ${since}`)]
      : [];
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
