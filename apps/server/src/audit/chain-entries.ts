import type { KeyObject } from 'node:crypto';
import { asTask } from '../actor.js';
import type { Clock } from '../clock.js';
import { type AuditContent, auditContent, insertAudit } from '../db/append-audit.js';
import type { Database } from '../db/database.js';
import type { Logger } from '../log/logger.js';
import type { Randomness } from '../randomness.js';
import type { AuditKey } from './audit-key-store.js';
import { type ChainHead, isSealed } from './chain-head.js';
import {
  type ChainPlace,
  contentHash,
  entryHash,
  entrySeal,
  GENESIS,
  headSeal,
  hex,
  SALT_BYTES,
} from './entry-hash.js';
import { isErasedBy } from './erasure.js';

export interface ChainEntriesDependencies {
  readonly db: Database;
  readonly auditKey: AuditKey;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
}

/** Entries that one statement moves. */
const MOVED_AT_ONCE = 500;

/** An entry that waits, with the ends of its chain; without, where the chain is yet to begin. */
interface PendingRow extends Omit<ChainHead, 'seal'> {
  readonly seal: Uint8Array | null;
  readonly sequence: number;
  readonly time: Date;
  readonly action: string;
  readonly connectionId: string | null;
  readonly content: AuditContent;
}

/**
 * What waits and the ends of its chains, in one look: an entry that waits by this look is after those ends. Two looks could
 * find entries of before and ends of after another replica moved them.
 */
const PENDING = `SELECT p.sequence, p.environment, p.tenant_id AS "tenantId", p.time, p.action,
    p.connection_id AS "connectionId", p.content, h.position, h.hash, h.first_position AS "firstPosition",
    h.first_previous_hash AS "firstPreviousHash", h.erased_at AS "erasedAt", h.seal
  FROM audit_pending p LEFT JOIN audit_heads h ON h.environment = p.environment AND h.tenant_id = p.tenant_id
  WHERE NOT (p.environment || chr(31) || p.tenant_id) = ANY ($1::text[]) ORDER BY p.sequence LIMIT ${MOVED_AT_ONCE}`;

/** A tenant's first entry is told of in the product's chain: a chain that vanishes as a whole is missed there. */
const START = `WITH made AS (
    INSERT INTO audit_heads (environment, tenant_id, position, hash, first_position, first_previous_hash, seal)
    VALUES ($1, $2, 0, $3, 1, $3, $4) ON CONFLICT DO NOTHING RETURNING environment, tenant_id
  ) ${insertAudit({
    environment: 'made.environment',
    tenantId: "''",
    action: "'audit.started'",
    time: '$5::timestamptz',
    content: '$6::jsonb',
    from: "made WHERE made.tenant_id <> ''",
  })}`;

/**
 * The seal of the head is the fence: of replicas that extend a chain at once, one does. A row whose lock another holds is
 * being extended there. Bytes travel as hexadecimal digits, inside of JSON.
 */
const MOVE = `WITH given AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS g (environment text, "tenantId" text, was text, position bigint, hash text, seal text)
  ), held AS (
    SELECT h.environment, h.tenant_id FROM audit_heads h
    JOIN given g ON g.environment = h.environment AND g."tenantId" = h.tenant_id
    WHERE h.seal = decode(g.was, 'hex') ORDER BY h.environment, h.tenant_id FOR UPDATE OF h SKIP LOCKED
  ), extended AS (
    UPDATE audit_heads h SET position = g.position, hash = decode(g.hash, 'hex'), seal = decode(g.seal, 'hex')
    FROM held JOIN given g ON g.environment = held.environment AND g."tenantId" = held.tenant_id
    WHERE h.environment = held.environment AND h.tenant_id = held.tenant_id
    RETURNING h.environment, h.tenant_id
  ), entries AS (
    SELECT e.* FROM jsonb_to_recordset($2::jsonb) AS e (sequence bigint, environment text, "tenantId" text, position bigint,
      time timestamptz, action text, "connectionId" text, content jsonb, salt text, "contentHash" text, hash text, seal text)
    JOIN extended x ON x.environment = e.environment AND x.tenant_id = e."tenantId"
  ), moved AS (
    DELETE FROM audit_pending p USING entries e WHERE p.sequence = e.sequence
  ), kept AS (
    INSERT INTO audit_entries (sequence, environment, tenant_id, position, time, action, connection_id, content, salt,
      content_hash, hash, seal)
    SELECT sequence, environment, "tenantId", position, time, action, "connectionId", content, decode(salt, 'hex'),
      decode("contentHash", 'hex'), decode(hash, 'hex'), decode(seal, 'hex') FROM entries
  )
  SELECT count(*)::int AS count FROM entries`;

/** What Postgres answers when somebody put an entry behind the end. */
const ALREADY_THERE = '23505';

const nameOf = ({ environment, tenantId }: ChainPlace): string => `${environment}\u001f${tenantId}`;

/** New entries of a chain, and its new end. */
interface Extended {
  readonly end: ChainPlace & { readonly was: string; readonly position: number };
  readonly entries: readonly object[];
}

/** Gives entries their places in the chains of their tenants. */
export const createChainEntries = ({ db, auditKey, clock, randomness, log }: ChainEntriesDependencies) => {
  /** Chains whose ends somebody else wrote: extending them would seal what was done to them. */
  const broken = new Set<string>();
  /** Those of them that the log knows of. */
  const told = new Set<string>();

  const start = async (key: KeyObject, place: ChainPlace): Promise<void> => {
    const ends = { position: 0, hash: GENESIS, firstPosition: 1, firstPreviousHash: GENESIS, erasedAt: null };
    const seal = headSeal(key, { ...place, ...ends });
    const { environment, tenantId } = place;
    const content = asTask('audit', () => JSON.stringify(auditContent({ tenantId })));
    await db.query('audit_start', START, [environment, tenantId, GENESIS, seal, clock.now(), content]);
  };

  /** A chain that somebody else wrote into is left as it is until a person has looked. The log is told once. */
  const leave = (place: ChainPlace): void => {
    const name = nameOf(place);
    broken.add(name);
    if (told.has(name)) return;
    told.add(name);
    const { environment, tenantId } = place;
    log.error(
      { environment, tenantId },
      'an audit chain was changed by somebody else: it is not extended. Run `authpipe audit verify`, then `accept`.',
    );
  };

  /** The entries of one chain after its end, and its new end. */
  const extend = (key: KeyObject, head: ChainHead, rows: readonly PendingRow[]): Extended => {
    let { position, hash } = head;
    const { environment, tenantId } = head;
    const entries = rows.map(({ sequence, time, action, connectionId, content }) => {
      const salt = randomness.bytes(SALT_BYTES);
      position += 1;
      const named = { environment, tenantId, sequence, time, action, connectionId, position };
      const hashed = { ...named, contentHash: contentHash(salt, content) };
      hash = entryHash(hash, hashed);
      // What comes later than the erasure of what it tells of is proved to have been there, and never kept.
      const kept = isErasedBy(head.erasedAt, named)
        ? { content: null, salt: null }
        : { content, salt: hex(salt) };
      return {
        ...named,
        ...kept,
        contentHash: hex(hashed.contentHash),
        hash: hex(hash),
        seal: hex(entrySeal(key, head, position, hash)),
      };
    });
    const seal = headSeal(key, { ...head, position, hash });
    const end = { environment, tenantId, was: hex(head.seal), position, hash: hex(hash), seal: hex(seal) };
    return { end, entries };
  };

  /** Writes the entries of chains; answers how many. One that stands in another's way does not hold up the others. */
  const move = async (extended: readonly Extended[]): Promise<number> => {
    try {
      const [moved] = await db.query<{ count: number }>('audit_move', MOVE, [
        JSON.stringify(extended.map(({ end }) => end)),
        JSON.stringify(extended.flatMap(({ entries }) => entries)),
      ]);
      return moved?.count ?? 0;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === ALREADY_THERE)) throw error;
      const [only, ...others] = extended;
      if (only && others.length === 0) {
        leave(only.end);
        return 0;
      }
      let count = 0;
      for (const each of extended) count += await move([each]);
      return count;
    }
  };

  /** Moves some; answers whether there may be more. */
  const moveSome = async (): Promise<boolean> => {
    const rows = await db.query<PendingRow>('audit_pending', PENDING, [[...broken]]);
    if (rows.length === 0) return false;
    const key = await auditKey.open();
    const byChain = new Map<string, PendingRow[]>();
    for (const row of rows) {
      const others = byChain.get(nameOf(row));
      if (others) others.push(row);
      else byChain.set(nameOf(row), [row]);
    }
    const extended: Extended[] = [];
    let started = 0;
    for (const chained of byChain.values()) {
      const [first] = chained;
      if (!first) continue;
      const { environment, tenantId, seal } = first;
      if (seal === null) {
        await start(key, { environment, tenantId });
        started += 1;
      } else {
        const head = { ...first, seal };
        if (isSealed(key, head)) extended.push(extend(key, head, chained));
        else leave(head);
      }
    }
    // Those that begin are extended with the next look.
    if (started > 0 && extended.length === 0) return true;
    if (extended.length === 0) return rows.length === MOVED_AT_ONCE;
    const moved = await move(extended);
    // None: another replica is at it.
    return moved > 0 || started > 0;
  };

  let running: Promise<void> | null = null;
  const moveAll = async (): Promise<void> => {
    // Whoever looked into a broken chain may have mended it.
    broken.clear();
    while (await moveSome());
  };

  /**
   * Gives all that was committed so far its place. Any number of replicas may do so at once. Calls that overlap are one.
   * @throws when the database is away; what is left waits for the next time
   */
  return (): Promise<void> => {
    running ??= moveAll().finally(() => {
      running = null;
    });
    return running;
  };
};
