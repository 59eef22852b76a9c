import type { Database } from '../db/database.js';
import { findHead } from './chain-head.js';
import type { StoredEntry } from './check-chain.js';
import { type ChainPlace, hex } from './entry-hash.js';
import { storedEntries } from './stored-entries.js';
import { toAuditEntry } from './wire-entry.js';

/** The form of the first line, by which a reader knows the rest. */
export const EXPORT_FORMAT = 'authpipe-audit-1';

/** An entry with all that its hash is made of. */
const lineOf = (entry: StoredEntry): string =>
  JSON.stringify({
    ...toAuditEntry(entry),
    sequence: entry.sequence,
    salt: entry.salt && hex(entry.salt),
    contentHash: hex(entry.contentHash),
    seal: hex(entry.seal),
  });

/**
 * One chain as JSON lines: first where it begins and ends, then each entry. `authpipe audit verify --file` checks it
 * without the database.
 */
export async function* exportChain(db: Database, place: ChainPlace): AsyncGenerator<string, void, undefined> {
  const head = await findHead(db, place);
  if (!head) return;
  yield JSON.stringify({
    format: EXPORT_FORMAT,
    environment: head.environment,
    tenantId: head.tenantId === '' ? null : head.tenantId,
    firstPosition: head.firstPosition,
    previousHash: hex(head.firstPreviousHash),
    position: head.position,
    hash: hex(head.hash),
  });
  for await (const entry of storedEntries(db, head, head.firstPosition)) {
    if (entry.position > head.position) return;
    yield lineOf(entry);
  }
}
