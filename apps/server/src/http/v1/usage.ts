import { type AuditWhere, type UsageReport, usageReport } from '@authpipe/types';
import type { ApiKeyIdentity } from '../../access/api-key-store.js';
import { defineRoute, type Route } from '../route.js';

/** Takes what a client says of its own cache. What is not the caller's to speak of is left out without a word. */
export type TakeUsage = (
  caller: { readonly key: ApiKeyIdentity; readonly where: AuditWhere },
  report: UsageReport,
) => void;

/** Reads that never came here: a client tells of them in sums. */
export const usageRoute = (takeUsage: TakeUsage): Route =>
  defineRoute({
    method: 'post',
    path: '/usage',
    scope: 'credentials:read',
    isRead: true,
    auditsUse: true,
    summary: 'How often a client served credentials from its own cache',
    body: usageReport,
    handle: async ({ key, where, body }) => {
      takeUsage({ key, where }, body);
      return { status: 204 };
    },
  });
