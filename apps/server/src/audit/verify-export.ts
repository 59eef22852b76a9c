import { timingSafeEqual } from 'node:crypto';
import { type AuditFault, appId, auditEntry } from '@authpipe/types';
import { z } from 'zod';
import type { Anchor } from './check-anchor.js';
import { contentHash, entryHash, hex } from './entry-hash.js';
import { ERASURE } from './erasure.js';
import { EXPORT_FORMAT } from './export-audit.js';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const firstLine = z.object({
  format: z.literal(EXPORT_FORMAT),
  environment: z.string(),
  tenantId: appId.nullable(),
  firstPosition: z.int(),
  previousHash: digest,
  position: z.int(),
  hash: digest,
});
const entryLine = auditEntry.extend({
  sequence: z.int(),
  // As they are in the file, whatever version wrote them: their hash says whether that is what was written.
  who: z.unknown(),
  where: z.unknown(),
  salt: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .nullable(),
  contentHash: digest,
});

/** What a check of an exported chain found. */
export interface ExportVerification {
  readonly faults: readonly AuditFault[];
  readonly entries: number;
  /** Of them those without contents, as an erased tenant has. */
  readonly erased: number;
  /** Where the file begins: what was before is not in it, and nothing is proved of it. */
  readonly firstPosition: number;
  /** Where the chain stood: to be compared with what was written down elsewhere. */
  readonly position: number;
  readonly hash: string;
  /** The last entry of those in the file that is what an anchor says; `null` when there is none. */
  readonly anchored: number | null;
  /** How far the chain went by an anchor, where that is farther than the file goes. */
  readonly anchoredBeyond: number | null;
}

const bytes = (digits: string): Buffer => Buffer.from(digits, 'hex');
const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b);

/** The content is there and what was hashed, or all of it is gone with its salt. */
const isContentWhole = (salt: string | null, hashed: Uint8Array, content: object): boolean =>
  salt === null
    ? Object.values(content).every((each) => each === null)
    : equal(contentHash(bytes(salt), content), hashed);

const parse = <Schema extends z.ZodType>(schema: Schema, line: string): z.output<Schema> | null => {
  try {
    return schema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
};

/**
 * Checks the lines of an export by their hashes alone, without database and key: that nothing was changed, taken out, put
 * in or moved, as long as the last hash is the one that somebody trustworthy wrote down.
 * @param anchors what was written down, of any chains: those of this one are compared
 * @returns `null` when the first line is not that of an export
 */
export const verifyExport = async (
  lines: AsyncIterable<string> | Iterable<string>,
  anchors: readonly Anchor[] = [],
): Promise<ExportVerification | null> => {
  let head: z.output<typeof firstLine> | null = null;
  const faults: AuditFault[] = [];
  const anchoredPositions = new Set(anchors.map(({ position }) => position));
  const hashes = new Map<number, string>();
  let previous: Uint8Array = new Uint8Array();
  let [next, entries, erased] = [0, 0, 0];
  const add = (fault: AuditFault['fault'], position: number, detail: string): void => {
    if (head)
      faults.push({ environment: head.environment, tenantId: head.tenantId, position, fault, detail });
  };
  for await (const line of lines) {
    if (line.trim() === '') continue;
    if (!head) {
      head = parse(firstLine, line);
      if (!head) return null;
      previous = bytes(head.previousHash);
      next = head.firstPosition;
      continue;
    }
    const entry = parse(entryLine, line);
    entries += 1;
    if (!entry) {
      add('changed', next, 'the line is not that of an entry');
      next += 1;
      continue;
    }
    if (entry.salt === null) erased += 1;
    const { position, salt, who, where, result, details, tenantId, time, hash } = entry;
    const hashed = {
      ...{ position, environment: entry.environment, tenantId: tenantId ?? '', sequence: entry.sequence },
      ...{ time: new Date(time), action: entry.action, connectionId: entry.connectionId },
      contentHash: bytes(entry.contentHash),
    };
    if (position !== next)
      add(position > next ? 'missing' : 'out_of_order', position, `entry ${next} should come here`);
    else if (salt === null && entry.action === ERASURE)
      add('changed', position, 'its content was taken out, which no erasure does');
    else if (!isContentWhole(salt, hashed.contentHash, { who, where, result, details }))
      add('changed', position, 'who, where, result or details is not what was written');
    else if (!equal(entryHash(previous, hashed), bytes(hash)))
      add('changed', position, 'time, action, connection, place or the hash before is not what was written');
    if (anchoredPositions.has(position)) hashes.set(position, hash);
    previous = bytes(hash);
    next = position + 1;
  }
  if (!head) return null;
  if (next <= head.position) add('cut_off', next, `the chain goes to ${head.position}`);
  else if (hex(previous) !== head.hash)
    add('changed', head.position, 'it is not the entry that the chain ended with');
  const { environment, tenantId, firstPosition, position, hash } = head;
  const own = anchors.filter(
    (each) => each.environment === environment && each.tenantId === (tenantId ?? ''),
  );
  let anchored: number | null = null;
  for (const anchor of own) {
    const found = hashes.get(anchor.position);
    if (found === anchor.hash) anchored = Math.max(anchored ?? 0, anchor.position);
    else if (found !== undefined)
      add('changed', anchor.position, 'it is not the entry that was there when the anchor was written down');
  }
  const farthest = Math.max(0, ...own.map((each) => each.position));
  const anchoredBeyond = farthest > position ? farthest : null;
  return { faults, entries, erased, firstPosition, position, hash, anchored, anchoredBeyond };
};
