import { z } from 'zod';
import type { Clock } from '../clock.js';
import { appendAudit } from '../db/append-audit.js';
import type { Database } from '../db/database.js';
import type { AuditKey } from './audit-key-store.js';
import { type ChainHead, HEAD_COLUMNS, isSealed } from './chain-head.js';
import type { Anchor } from './check-anchor.js';
import { type ChainPlace, hex } from './entry-hash.js';

/** Where chains stood by the newest word of the product's own, by `placeName`. */
export type Checkpoints = Map<string, Anchor>;

const CHAINS_PER_ENTRY = 20;
const READ_AT_ONCE = 500;

const TOLD = `SELECT e.sequence, e.environment, e.content->'details' AS details
  FROM audit_heads h JOIN audit_entries e ON e.environment = h.environment AND e.tenant_id = ''
    AND e.action IN ('audit.checkpoint', 'audit.accepted') AND e.position >= h.first_position
  WHERE h.tenant_id = '' AND e.sequence > $1 ORDER BY e.sequence LIMIT ${READ_AT_ONCE}`;
const HEADS = `SELECT ${HEAD_COLUMNS} FROM audit_heads h WHERE tenant_id <> '' AND position >= first_position`;
/** Chains that still go on from where they stood, or have forgotten that. */
const GOING_ON = `SELECT h.environment, h.tenant_id AS "tenantId"
  FROM jsonb_to_recordset($1::jsonb) AS g (environment text, "tenantId" text, position bigint, hash text)
  JOIN audit_heads h ON h.environment = g.environment AND h.tenant_id = g."tenantId"
  LEFT JOIN audit_entries e ON e.environment = h.environment AND e.tenant_id = h.tenant_id AND e.position = g.position
  WHERE g.position < h.first_position OR encode(e.hash, 'hex') = g.hash`;

const SLOW = { mayTakeLong: true };

interface ToldRow {
  readonly sequence: number;
  readonly environment: string;
  readonly details: unknown;
}

const checkpointDetails = z.object({ chains: z.array(z.string()) });
const acceptedDetails = z.object({ tenantId: z.string(), position: z.int() });
const CHAIN = /^(\d{1,15}) ([0-9a-f]{64}) (.+)$/s;

const placeName = ({ environment, tenantId }: ChainPlace): string => JSON.stringify([environment, tenantId]);

/**
 * Adds what the product's own chains tell after a sequence. Of a chain that a person accepted since it is the acceptance
 * that counts, which is told apart.
 * @returns up to which sequence it was read
 */
export const readCheckpoints = async (db: Database, into: Checkpoints, after = 0): Promise<number> => {
  const rows = await db.query<ToldRow>('audit_checkpoints', TOLD, [after], SLOW);
  // What is not as it was written is named as an entry of its chain.
  for (const { environment, details } of rows) {
    const accepted = acceptedDetails.safeParse(details).data;
    if (accepted) into.delete(placeName({ environment, tenantId: accepted.tenantId }));
    for (const chain of checkpointDetails.safeParse(details).data?.chains ?? []) {
      const [, position, hash, tenantId] = CHAIN.exec(chain) ?? [];
      if (!hash || !tenantId) continue;
      const anchor = { environment, tenantId, position: Number(position), hash };
      into.set(placeName(anchor), anchor);
    }
  }
  const last = rows.at(-1)?.sequence ?? after;
  return rows.length < READ_AT_ONCE ? last : readCheckpoints(db, into, last);
};

/**
 * Tells in the product's own chain how far those of tenants go that moved since it last did: one of them whose end is cut
 * off is missed there, also when an earlier word on its ends was put back.
 */
export const createCheckpoint = ({
  db,
  auditKey,
  clock,
}: {
  readonly db: Database;
  readonly auditKey: AuditKey;
  readonly clock: Clock;
}) => {
  const told: Checkpoints = new Map();
  let readUpTo = 0;
  return async (): Promise<void> => {
    readUpTo = await readCheckpoints(db, told, readUpTo);
    const heads = await db.query<ChainHead>('audit_heads_checkpoint', HEADS, [], SLOW);
    if (heads.length === 0) return;
    const key = await auditKey.open();
    const positionOf = (head: ChainPlace) => told.get(placeName(head))?.position ?? 0;
    const moved = heads.filter((head) => head.position > positionOf(head) && isSealed(key, head));
    const before = moved.flatMap((head) => told.get(placeName(head)) ?? []);
    const goingOn = await db.query<ChainPlace>('audit_going_on', GOING_ON, [JSON.stringify(before)], SLOW);
    // Of one that does not go on from where it stood that stays the newest word, which names it.
    const mayBeTold = new Set(goingOn.map(placeName));
    const next = moved
      .filter((head) => !told.has(placeName(head)) || mayBeTold.has(placeName(head)))
      .map(({ environment, tenantId, position, hash }) => ({
        ...{ environment, tenantId, position, hash: hex(hash) },
      }));
    for (const environment of new Set(next.map((each) => each.environment))) {
      const chains = next.filter((each) => each.environment === environment);
      for (let from = 0; from < chains.length; from += CHAINS_PER_ENTRY) {
        const part = chains.slice(from, from + CHAINS_PER_ENTRY);
        const details = { chains: part.map((each) => `${each.position} ${each.hash} ${each.tenantId}`) };
        const note = { environment, tenantId: null, action: 'audit.checkpoint', time: clock.now() } as const;
        await appendAudit(db, { ...note, details });
        for (const each of part) told.set(placeName(each), each);
      }
    }
  };
};
