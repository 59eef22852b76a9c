import type { AuditEntry, AuditWhere, AuditWho } from '@authpipe/types';
import type { AuditContent } from '../db/append-audit.js';
import type { StoredEntry } from './check-chain.js';
import { hex } from './entry-hash.js';

const ERASED = { who: null, where: null, result: null, details: null };

const contentOf = (content: unknown) => {
  if (content === null) return ERASED;
  // Written by `auditContent`. What was changed in the database since is for the check to find.
  const { who, where, result, details } = content as AuditContent;
  return { who: who as AuditWho, where: where as AuditWhere | null, result, details: { ...details } };
};

/** An entry as the API shows it. */
export const toAuditEntry = (entry: StoredEntry): AuditEntry => {
  const { environment, tenantId, position, time, action, connectionId, content, hash } = entry;
  return {
    environment,
    tenantId: tenantId === '' ? null : tenantId,
    position,
    time: time.toISOString(),
    action,
    connectionId,
    ...contentOf(content),
    hash: hex(hash),
  };
};
