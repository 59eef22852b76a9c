import type { AuditAction } from '@authpipe/types';
import { type Actor, currentActor } from '../actor.js';
import type { Database } from './database.js';
import type { Prisma } from './generated/client.js';

/** What is told of an action beside its kind and place. A secret never is. */
export interface AuditContent {
  readonly who: Actor['who'];
  readonly where: Actor['where'];
  /** `ok`, or the code of what went wrong. */
  readonly result: string;
  readonly details: AuditDetails;
}

/** Few and small: ids, codes, counts, names of fields; never a value that somebody keeps secret. */
export type AuditDetails = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** An action as the audit keeps it. */
export interface AuditNote {
  readonly environment: string;
  /** `null` for what belongs to the product. */
  readonly tenantId: string | null;
  readonly connectionId?: string | null;
  readonly action: AuditAction;
  readonly time: Date;
  /** Default `ok`. */
  readonly result?: string;
  readonly details?: AuditDetails;
}

/** The content of an entry, in the name of whoever causes what is done now. */
export const auditContent = (
  details: AuditDetails = {},
  result = 'ok',
  { who, where }: Actor = currentActor(),
): AuditContent => ({ who, where, result, details });

/** SQL expressions (placeholders such as `$4`) for an entry, and the rows that it is made from. */
export interface AuditSql {
  readonly environment: string;
  /** Empty for what belongs to the product. */
  readonly tenantId: string;
  readonly connectionId?: string;
  readonly action: string;
  readonly time: string;
  /** JSON of `auditContent`. */
  readonly content: string;
  /** What follows `FROM`, with optional `WHERE`: one row is one entry. */
  readonly from: string;
}

/**
 * For statements that change something: `WITH changed AS (UPDATE … RETURNING …), audited AS (INSERT …)`. Change and entry
 * are both there or neither. The entry gets its place in the chain a moment later, so that nobody waits for a tenant's
 * other changes.
 */
export const insertAudit = ({
  environment,
  tenantId,
  connectionId = 'NULL',
  action,
  time,
  content,
  from,
}: AuditSql): string => `
  INSERT INTO audit_pending (environment, tenant_id, connection_id, action, time, content)
  SELECT ${environment}, ${tenantId}, ${connectionId}, ${action}, ${time}, ${content} FROM ${from}`;

/** The row of an entry, for changes that Prisma makes. */
export const auditData = ({
  environment,
  tenantId,
  connectionId = null,
  action,
  time,
  result,
  details,
}: AuditNote): Prisma.AuditPendingCreateManyInput => ({
  ...{ environment, tenantId: tenantId ?? '', connectionId, action, time },
  // Plain JSON, as its type says; Prisma's own type wants an index signature.
  content: auditContent(details, result) as unknown as Prisma.InputJsonObject,
});

const APPEND = `INSERT INTO audit_pending (environment, tenant_id, connection_id, action, time, content)
  VALUES ($1, $2, $3, $4, $5, $6::jsonb)`;

/** Writes an entry of what changed nothing in the database, such as an attempt that failed. */
export const appendAudit = async (
  db: Pick<Database, 'query'>,
  { environment, tenantId, connectionId = null, action, time, result, details }: AuditNote,
): Promise<void> => {
  const content = JSON.stringify(auditContent(details, result));
  await db.query('audit_append', APPEND, [environment, tenantId ?? '', connectionId, action, time, content]);
};
