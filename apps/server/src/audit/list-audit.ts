import type { AuditAction, AuditPage } from '@authpipe/types';
import type { Database } from '../db/database.js';
import { Problem } from '../errors/problem.js';
import type { StoredEntry } from './check-chain.js';
import { ENTRY_COLUMNS } from './stored-entries.js';
import { toAuditEntry } from './wire-entry.js';

/** What the audit is searched by; what is left out is not looked at. */
export interface AuditFilter {
  /** `null`: what belongs to the product. */
  readonly tenantId?: string | null | undefined;
  readonly connectionId?: string | undefined;
  readonly action?: AuditAction | undefined;
  readonly since?: Date | undefined;
  /** What is at this moment is left out. */
  readonly until?: Date | undefined;
}

const CURSOR = /^\d{1,15}$/;

const cursorOf = (cursor: string | null): number => {
  if (cursor === null) return Number.MAX_SAFE_INTEGER;
  if (CURSOR.test(cursor)) return Number(cursor);
  throw new Problem('invalid_request', 'The cursor is not valid: use nextCursor of the last page as it is.', {
    errors: [{ pointer: '/cursor', detail: 'is not a cursor of this list' }],
  });
};

/** What lies before the first entry of its chain was forgotten, or put there by somebody else. */
const IN_CHAIN = `position >= coalesce((SELECT h.first_position FROM audit_heads h
  WHERE h.environment = e.environment AND h.tenant_id = e.tenant_id), 1)`;

/** Reads the audit, newest first. */
export const createListAudit =
  ({ db }: { readonly db: Database }) =>
  /** @throws Problem `invalid_request` for a cursor that this server did not make */
  async (
    environment: string,
    { tenantId, connectionId, action, since, until }: AuditFilter,
    { cursor, limit }: { readonly cursor: string | null; readonly limit: number },
  ): Promise<AuditPage> => {
    // Of one tenant in the order of its chain, which has an index; else in the order in which entries were written.
    const isOneChain = tenantId !== undefined && connectionId === undefined;
    const order = isOneChain ? 'position' : 'sequence';
    const values: unknown[] = [environment, cursorOf(cursor), limit + 1];
    const conditions = ['environment = $1', `${order} < $2`, IN_CHAIN];
    const add = (name: string, condition: (placeholder: string) => string, value: unknown): string => {
      if (value === undefined) return '';
      values.push(value);
      conditions.push(condition(`$${values.length}`));
      return name;
    };
    const used = [
      add('t', (at) => `tenant_id = ${at}`, tenantId === null ? '' : tenantId),
      add('c', (at) => `connection_id = ${at}`, connectionId),
      add('a', (at) => `action = ${at}`, action),
      add('s', (at) => `time >= ${at}`, since),
      add('u', (at) => `time < ${at}`, until),
    ].join('');
    const rows = await db.query<StoredEntry>(
      `audit_list_${used}`,
      `SELECT ${ENTRY_COLUMNS} FROM audit_entries e WHERE ${conditions.join(' AND ')} ORDER BY ${order} DESC LIMIT $3`,
      values,
    );
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      data: page.map(toAuditEntry),
      nextCursor: rows.length > limit && last ? String(last[order]) : null,
    };
  };
