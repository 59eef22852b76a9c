import type { AuditAction } from '@authpipe/types';
import { type AuditDetails, auditContent, insertAudit } from '../db/append-audit.js';

/**
 * What is done to an endpoint, as a part of the statement that does it: `audited AS (INSERT …)`. Endpoints belong to the
 * whole product. `content` (of `audited`) and `time` are placeholders or other SQL; each row of `from` is one entry.
 */
export const auditedSql = (action: AuditAction, from: string, content: string, time: string): string =>
  `audited AS (${insertAudit({
    environment: `${from}.environment`,
    tenantId: "''",
    action: `'${action}'`,
    time: `${time}::timestamptz`,
    content: `${content}::jsonb`,
    from,
  })})`;

/** JSON for it, in the name of whoever causes it. */
export const audited = (details: AuditDetails): string => JSON.stringify(auditContent(details));
