import type { Database } from '../db/database.js';
import type { StoredEntry } from './check-chain.js';
import type { ChainPlace } from './entry-hash.js';

/**
 * Columns of `audit_entries` under the names of `StoredEntry`. A time that no server wrote, such as `infinity`, is read as one
 * that a `Date` holds: the entry is named as changed.
 */
export const ENTRY_COLUMNS = `sequence, environment, tenant_id AS "tenantId", position,
  greatest(least(time, '9999-12-31T00:00:00Z'), '0001-01-01T00:00:00Z') AS time, action,
  connection_id AS "connectionId", content, salt, content_hash AS "contentHash", hash, seal`;

const READ_AT_ONCE = 1_000;

const AFTER = `SELECT ${ENTRY_COLUMNS} FROM audit_entries
  WHERE environment = $1 AND tenant_id = $2 AND position > $3 ORDER BY position LIMIT ${READ_AT_ONCE}`;

const BEFORE = `SELECT ${ENTRY_COLUMNS} FROM audit_entries
  WHERE environment = $1 AND tenant_id = $2 AND position < $3 ORDER BY position LIMIT ${READ_AT_ONCE}`;

/** What is stored under a chain's name before the position that it begins at: the lowest, as many as one read takes. */
export const entriesBefore = (
  db: Database,
  { environment, tenantId }: ChainPlace,
  firstPosition: number,
): Promise<StoredEntry[]> =>
  db.query<StoredEntry>('audit_entries_before', BEFORE, [environment, tenantId, firstPosition]);

/** The entries of a chain from a position on, in their order; no more than some of them are in memory at a time. */
export async function* storedEntries(
  db: Database,
  { environment, tenantId }: ChainPlace,
  fromPosition: number,
): AsyncGenerator<StoredEntry, void, undefined> {
  for (let after = fromPosition - 1; ; ) {
    const rows: StoredEntry[] = await db.query<StoredEntry>('audit_entries_after', AFTER, [
      ...[environment, tenantId, after],
    ]);
    yield* rows;
    const last = rows.at(-1);
    if (!last || rows.length < READ_AT_ONCE) return;
    after = last.position;
  }
}
