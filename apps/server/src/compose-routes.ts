import { createExportTenant } from './audit/export-tenant.js';
import type { Rooms } from './compose-rooms.js';
import { createReadCredential } from './credentials/read-credential.js';
import { toConnection } from './credentials/to-wire.js';
import type { Foundation } from './foundation.js';
import { keyActor } from './http/caller.js';
import type { Route } from './http/route.js';
import { auditRoutes } from './http/v1/audit.js';
import { connectSessionRoutes } from './http/v1/connect-sessions.js';
import { connectionRoutes } from './http/v1/connections.js';
import { credentialRoutes } from './http/v1/credentials.js';
import { eventRoute } from './http/v1/events.js';
import { integrationRoutes, toIntegration } from './http/v1/integrations.js';
import { namedSecretRoutes } from './http/v1/named-secrets.js';
import { providerRoutes } from './http/v1/providers.js';
import { setupLinkRoute } from './http/v1/setup-links.js';
import { tenantRoutes } from './http/v1/tenants.js';
import { type TakeUsage, usageRoute } from './http/v1/usage.js';
import { webhookEndpointRoutes } from './http/v1/webhook-endpoints.js';

/** The routes of `/v1`, on the rooms that they are about; and what is done with sums that clients tell along with any call. */
export const composeRoutes = (
  { config: { publicUrl }, db, apiKeys, metrics, clock }: Foundation,
  {
    audit,
    connect,
    connections,
    disconnect,
    feed,
    health,
    importConnection,
    integrations,
    credentials,
    namedSecrets,
    refresh,
    tenants,
    usage,
    webhookEndpoints,
    webhooks,
    wire,
  }: Rooms,
): { readonly routes: readonly Route[]; readonly takeUsage: TakeUsage } => {
  const defaultRedirectUri = `${publicUrl}/connect/callback`;
  const readCredential = createReadCredential({
    credentials,
    refreshIfDue: refresh.refreshIfDue,
    clock,
    wire,
    noteUse: usage.noteUse,
    noteIssued: ({
      reader: actor,
      connection: { id: connectionId, environment, tenantId },
      version,
      result,
    }) => {
      if (result === 'ok') metrics.countReads('server', 1);
      audit.noteUse({
        ...{ actor, environment, tenantId, connectionId, result, details: { version } },
        action: result === 'ok' ? 'credential.issued' : 'credential.refused',
      });
    },
  });
  const takeUsage: TakeUsage = ({ key, where }, { uses }) => {
    const { environment, tenantId } = key;
    for (const { connectionId, count } of uses) {
      audit.reportUse({ actor: keyActor(key, where), environment, tenantId, connectionId, count });
    }
  };
  const integrationAddresses = { defaultRedirectUri, keySetUrl: connect.setups.keySetUrl };
  const routes = [
    ...credentialRoutes(readCredential, publicUrl),
    ...connectionRoutes({
      ...connections,
      importConnection: async (request, environment) =>
        toConnection(await importConnection(request, environment), wire),
      refreshConnection: refresh.refreshConnection,
      checkConnection: health.checkConnection,
      reportConnection: health.reportConnection,
      deleteConnection: disconnect.deleteConnection,
    }),
    ...namedSecretRoutes({
      ...namedSecrets,
      getConnection: connections.getConnection,
      noteSecretIssued: ({ key, where, connection: { id: connectionId, tenantId }, name, version }) =>
        audit.noteUse({
          ...{ actor: keyActor(key, where), environment: key.environment, tenantId, connectionId },
          ...{ action: 'secret.issued', details: { name, version } },
        }),
    }),
    ...connectSessionRoutes(connect),
    ...integrationRoutes({ integrations, ...integrationAddresses }),
    setupLinkRoute(connect.setups.createLink),
    ...tenantRoutes(
      async (environment, tenantId) => {
        const ended = await disconnect.deleteTenant(environment, tenantId);
        await audit.eraseTenant(environment, tenantId, { connections: ended.connections });
        await tenants.eraseTold(clock.now());
        return ended;
      },
      createExportTenant({
        ...{ db, clock, listConnections: connections.listConnections },
        listIntegrations: async (environment, tenantId) =>
          (await integrations.listIntegrations({ environment, tenantId })).map((record) =>
            toIntegration(record, integrationAddresses),
          ),
      }),
    ),
    ...auditRoutes(audit),
    usageRoute(takeUsage),
    ...webhookEndpointRoutes({ endpoints: webhookEndpoints, webhooks }),
    eventRoute(feed, apiKeys.allows),
    ...providerRoutes,
  ];
  return { routes, takeUsage };
};
