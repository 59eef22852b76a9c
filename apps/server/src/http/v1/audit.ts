import { appId, auditAction, auditPage, auditVerification } from '@authpipe/types';
import { z } from 'zod';
import type { ApiKeyIdentity } from '../../access/api-key-store.js';
import type { Audit } from '../../audit/create-audit.js';
import { defineRoute, type Route } from '../route.js';
import { requireTenant, requireWholeProduct } from '../tenant-limit.js';

/** JSON, a line each. */
const LINES = { 'Content-Type': 'application/x-ndjson; charset=utf-8' };

const time = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

const listQuery = z.strictObject({
  tenantId: appId.optional(),
  connectionId: z.string().min(1).max(100).optional(),
  action: auditAction.optional(),
  since: time.optional(),
  until: time.optional(),
  cursor: z.string().min(1).max(64).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});

const chainQuery = z.strictObject({ tenantId: appId.optional() });

/** The tenant that is asked about, or the only one that the key may see. */
const tenantOf = (key: ApiKeyIdentity, tenantId: string | undefined): string | undefined => {
  if (tenantId !== undefined) requireTenant(key, tenantId);
  return tenantId ?? key.tenantId ?? undefined;
};

/** Who did what: read, exported and checked. A key that is limited to a tenant sees that tenant's. */
export const auditRoutes = ({
  list,
  exportChain,
  verify,
}: Pick<Audit, 'list' | 'exportChain' | 'verify'>): Route[] => [
  defineRoute({
    method: 'get',
    path: '/audit',
    scope: 'admin',
    summary: 'The audit, newest first',
    query: listQuery,
    answer: auditPage,
    handle: async ({ key, query: { tenantId, cursor, limit, ...filter } }) => ({
      body: await list(
        key.environment,
        { ...filter, tenantId: tenantOf(key, tenantId) },
        { cursor: cursor ?? null, limit },
      ),
    }),
  }),
  defineRoute({
    method: 'get',
    path: '/audit/export',
    scope: 'admin',
    summary: 'The audit of a tenant, or without one of the product itself, as JSON lines that can be checked',
    query: chainQuery,
    answerType: 'application/x-ndjson',
    handle: async ({ key, query }) => {
      const tenantId = tenantOf(key, query.tenantId);
      if (tenantId === undefined) requireWholeProduct(key);
      return { headers: LINES, lines: exportChain(key.environment, tenantId ?? null) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/audit/verify',
    scope: 'admin',
    summary: 'Check that nothing in the audit was changed, taken out, put in or moved',
    query: chainQuery,
    answer: auditVerification,
    handle: async ({ key, query }) => ({
      body: await verify({ environment: key.environment, tenantId: tenantOf(key, query.tenantId) }),
    }),
  }),
];
