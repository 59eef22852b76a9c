import { appId, type DeletedTenant, deletedTenant } from '@authpipe/types';
import { z } from 'zod';
import { defineRoute, type Route } from '../route.js';
import { requireTenant } from '../tenant-limit.js';

/** Ends everything of a tenant; answers how many connections there were and how many the provider revoked. */
export type DeleteTenant = (environment: string, tenantId: string) => Promise<DeletedTenant>;

/** Off-boarding: connections revoked and erased, integrations and the tenant's key destroyed. */
export const tenantRoutes = (deleteTenant: DeleteTenant): Route[] => [
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
];
