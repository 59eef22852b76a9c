import { appId, type DeletedTenant, deletedTenant } from '@authpipe/types';
import { z } from 'zod';
import { asActor } from '../../actor.js';
import type { ExportTenant } from '../../audit/export-tenant.js';
import { keyActor } from '../caller.js';
import { defineRoute, type Route } from '../route.js';
import { requireTenant } from '../tenant-limit.js';

/** Ends everything of a tenant; answers how many connections there were and how many the provider revoked. */
export type DeleteTenant = (environment: string, tenantId: string) => Promise<DeletedTenant>;

/** A tenant's data handed over; and off-boarding: connections revoked and erased, integrations and the tenant's key destroyed. */
export const tenantRoutes = (deleteTenant: DeleteTenant, exportTenant: ExportTenant): Route[] => [
  defineRoute({
    method: 'delete',
    path: '/tenants/:tenantId',
    scope: 'admin',
    summary: 'Revoke and erase all of a tenant',
    params: z.object({ tenantId: appId }),
    answer: deletedTenant,
    handle: async ({ key, params: { tenantId } }) => {
      requireTenant(key, tenantId);
      return { body: await deleteTenant(key.environment, tenantId) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/tenants/:tenantId/export',
    scope: 'admin',
    summary: 'All that is kept of a tenant, without secrets, as JSON lines',
    params: z.object({ tenantId: appId }),
    answerType: 'application/x-ndjson',
    handle: async ({ key, where, params: { tenantId } }) => {
      requireTenant(key, tenantId);
      const lines = await asActor(keyActor(key, where), () => exportTenant(key.environment, tenantId));
      return { headers: { 'Content-Type': 'application/x-ndjson; charset=utf-8' }, lines };
    },
  }),
];
