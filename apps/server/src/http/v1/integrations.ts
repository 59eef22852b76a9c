import { appId, type Integration, integration, integrationRequest } from '@authpipe/types';
import { z } from 'zod';
import type { ApiKeyIdentity } from '../../access/api-key-store.js';
import { Problem } from '../../errors/problem.js';
import type { IntegrationRecord, Integrations } from '../../integrations/integration-store.js';
import { defineRoute, type Route } from '../route.js';
import { requireTenant, requireWholeProduct } from '../tenant-limit.js';

/** What the routes need: the store, and the redirect URI of integrations that name none. */
export interface IntegrationRouteDependencies {
  readonly integrations: Pick<
    Integrations,
    'putIntegration' | 'getIntegration' | 'listIntegrations' | 'deleteIntegration'
  >;
  readonly defaultRedirectUri: string;
  /** Where a provider fetches the public keys of an integration, by its row. */
  readonly keySetUrl: (rowId: string) => string;
}

/** An integration as callers see it, without its secret. */
export const toIntegration = (
  record: IntegrationRecord,
  { defaultRedirectUri, keySetUrl }: Omit<IntegrationRouteDependencies, 'integrations'>,
): Integration => ({
  integrationId: record.integrationId,
  environment: record.environment,
  tenantId: record.tenantId,
  provider: record.provider,
  authMethod: record.authMethod,
  clientId: record.clientId,
  hasClientSecret: record.hasClientSecret,
  scopes: record.scopes,
  config: record.config,
  redirectUri: record.redirectUri ?? defaultRedirectUri,
  dpop: record.dpop,
  stopAfterUnusedDays: record.stopAfterUnusedDays,
  jwks: record.clientJwk && { keys: [{ ...record.clientJwk }] },
  jwksUrl: record.clientJwk && keySetUrl(record.rowId),
  status: record.status,
  reason: record.reason,
  createdAt: record.createdAt.toISOString(),
  updatedAt: record.updatedAt.toISOString(),
});

/** What a path holds: the integration's id, and the tenant's where the path is below one. */
interface Place {
  readonly list: z.ZodType<{ tenantId?: string | undefined }>;
  readonly one: z.ZodType<{ integrationId: string; tenantId?: string | undefined }>;
}

const OF_PRODUCT: Place = { list: z.object({}), one: z.object({ integrationId: appId }) };
const OF_TENANT: Place = {
  list: z.object({ tenantId: appId }),
  one: z.object({ integrationId: appId, tenantId: appId }),
};

/** The tenant a path names, `null` for the product's own integrations; refuses keys that may not go there. */
const placeOf = (key: ApiKeyIdentity, tenantId: string | undefined): string | null => {
  if (tenantId === undefined) requireWholeProduct(key);
  else requireTenant(key, tenantId);
  return tenantId ?? null;
};

const routesUnder = (
  prefix: string,
  place: Place,
  whose: string,
  { integrations, ...addresses }: IntegrationRouteDependencies,
): Route[] => [
  defineRoute({
    method: 'put',
    path: `${prefix}/integrations/:integrationId`,
    scope: 'integrations:write',
    summary: `Set up an integration of ${whose}`,
    params: place.one,
    body: integrationRequest,
    answer: integration,
    handle: async ({ key, params: { integrationId, tenantId }, body }) => {
      const owner = placeOf(key, tenantId);
      const { environment } = key;
      const { record, created } = await integrations.putIntegration({
        environment,
        tenantId: owner,
        integrationId,
        request: body,
      });
      return { status: created ? 201 : 200, body: toIntegration(record, addresses) };
    },
  }),
  defineRoute({
    method: 'get',
    path: `${prefix}/integrations/:integrationId`,
    scope: 'integrations:write',
    summary: `An integration of ${whose}, without its secret`,
    params: place.one,
    answer: integration,
    handle: async ({ key, params: { integrationId, tenantId } }) => {
      const owner = placeOf(key, tenantId);
      const record = await integrations.getIntegration({
        environment: key.environment,
        tenantId: owner,
        integrationId,
      });
      if (!record) throw new Problem('not_found', 'There is no such integration: GET the list, or PUT it.');
      return { body: toIntegration(record, addresses) };
    },
  }),
  defineRoute({
    method: 'get',
    path: `${prefix}/integrations`,
    scope: 'integrations:write',
    summary: `The integrations of ${whose}`,
    params: place.list,
    answer: z.object({ data: z.array(integration) }),
    handle: async ({ key, params: { tenantId } }) => {
      const owner = placeOf(key, tenantId);
      const records = await integrations.listIntegrations({ environment: key.environment, tenantId: owner });
      return { body: { data: records.map((record) => toIntegration(record, addresses)) } };
    },
  }),
  defineRoute({
    method: 'delete',
    path: `${prefix}/integrations/:integrationId`,
    scope: 'integrations:write',
    summary: `Remove an integration of ${whose} that no connection uses`,
    params: place.one,
    handle: async ({ key, params: { integrationId, tenantId } }) => {
      const owner = placeOf(key, tenantId);
      await integrations.deleteIntegration({ environment: key.environment, tenantId: owner, integrationId });
      return { status: 204 };
    },
  }),
];

/** OAuth clients: the product's, and a tenant's own, which win over the product's. */
export const integrationRoutes = (dependencies: IntegrationRouteDependencies): Route[] => [
  ...routesUnder('', OF_PRODUCT, 'the product', dependencies),
  ...routesUnder('/tenants/:tenantId', OF_TENANT, 'one tenant', dependencies),
];
