import { appId, setupLink, setupLinkRequest } from '@authpipe/types';
import { z } from 'zod';
import type { NewSetup, SetupLink } from '../../connect/app-setup/open-setup.js';
import { defineRoute, type Route } from '../route.js';
import { requireTenant } from '../tenant-limit.js';

/** A link by which a customer's administrator sets the tenant's own OAuth app up. */
export const setupLinkRoute = (createLink: (wanted: NewSetup) => Promise<SetupLink>): Route =>
  defineRoute({
    method: 'post',
    path: '/tenants/:tenantId/integrations/:integrationId/setup-links',
    scope: 'integrations:write',
    summary: 'Make a link by which an administrator sets the tenant’s own OAuth app up',
    params: z.object({ tenantId: appId, integrationId: appId }),
    body: setupLinkRequest,
    answer: setupLink,
    handle: async ({ key, params: { tenantId, integrationId }, body }) => {
      requireTenant(key, tenantId);
      const { provider = integrationId, askedBy: asker = null, scopes, config, lifetimeSeconds } = body;
      const { environment } = key;
      const made = await createLink({
        ...{ environment, tenantId, integrationId, provider, asker },
        ...(scopes === undefined ? {} : { scopes }),
        ...(config === undefined ? {} : { config }),
        ...(lifetimeSeconds === undefined ? {} : { lifetimeSeconds }),
      });
      return { status: 201, body: { ...made, expiresAt: made.expiresAt.toISOString() } };
    },
  });
