import { join } from 'node:path';
import { findProvider } from '@authpipe/providers';
import type { Express } from 'express';
import type { ApiKeys } from './access/api-key-store.js';
import { createIdempotentRequests } from './access/idempotent-request-store.js';
import { asTask } from './actor.js';
import { createAudit } from './audit/create-audit.js';
import { createExportTenant } from './audit/export-tenant.js';
import type { Config } from './config/read-config.js';
import { createConnect } from './connect/create-connect.js';
import { createImportConnection } from './connect/import-connection.js';
import { createOwnerConnections } from './connect/owner-connections.js';
import { createConnectionStore } from './credentials/connection-store.js';
import { createCredentialStore } from './credentials/credential-store.js';
import { createReadDueWork } from './credentials/due-work.js';
import { createExpiringStore } from './credentials/expiring-store.js';
import { createGrantStore } from './credentials/grant-store.js';
import { createNamedSecretStore } from './credentials/named-secret-store.js';
import { createProbeStore } from './credentials/probe-store.js';
import { createReadCredential } from './credentials/read-credential.js';
import { createRefreshStore } from './credentials/refresh-store.js';
import { findTenantsOfConnections } from './credentials/tenants-of-connections.js';
import { toConnectedAccount, toConnection, type WireContext } from './credentials/to-wire.js';
import { createUsageStore } from './credentials/usage-store.js';
import type { Database } from './db/database.js';
import type { DatabaseClock, MonotonicMillis } from './db/database-clock.js';
import { createNodes } from './db/nodes.js';
import { createNotificationListener, type NotificationListener } from './db/notification-listener.js';
import type { Deployment } from './deployment/deployment.js';
import { createDisconnect } from './disconnect/disconnect.js';
import { createTenantStore } from './disconnect/tenant-store.js';
import { errorName } from './errors/error-name.js';
import { createEventFeed, type EventFeed } from './events/event-feed.js';
import { createEventLog } from './events/event-log.js';
import { createHealth } from './health/health.js';
import { measureProbe } from './health/measured-probe.js';
import { createProbeCredential } from './health/probe-credential.js';
import { createProbeLimits } from './health/probe-limits.js';
import { createApp } from './http/app.js';
import { keyActor } from './http/caller.js';
import { createConnectRouter } from './http/connect/connect-router.js';
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
import { createIntegrations } from './integrations/integration-store.js';
import { createNoteRefusedClient } from './integrations/note-refused-client.js';
import { createHeartbeat, type Heartbeat } from './jobs/heartbeat.js';
import { recurringWork } from './jobs/recurring-work.js';
import type { RecurringWork } from './jobs/start-jobs.js';
import type { Logger } from './log/logger.js';
import type { Metrics } from './metrics/create-metrics.js';
import { createOAuth } from './oauth/create-oauth.js';
import { createGuardedFetch } from './oauth/guarded-fetch.js';
import { measureOAuth } from './oauth/measured-oauth.js';
import { createOutages } from './outages/outages.js';
import { newId, type Randomness } from './randomness.js';
import { createFindTarget } from './refresh/find-target.js';
import { createRefresh } from './refresh/refresh.js';
import { WAKE_SPREAD_SECONDS } from './refresh/retry-delay.js';
import { createSpool } from './refresh/spool.js';
import { createTokenEndpointGate } from './refresh/token-endpoint-gate.js';
import type { Sleep } from './sleep.js';
import type { Vault } from './vault/vault.js';
import { createWebhooks } from './webhooks/create-webhooks.js';
import { createEndpointStore } from './webhooks/endpoint-store.js';
import { WEBHOOK_TIMEOUT_MILLIS } from './webhooks/send-webhook.js';

const SECONDS_PER_DAY = 86_400;

/** What the rooms stand on. */
export interface Foundation {
  readonly config: Config;
  readonly db: Database;
  readonly vault: Vault;
  readonly apiKeys: ApiKeys;
  /** Whether the database is this server's to act on. */
  readonly deployment: Deployment;
  readonly metrics: Metrics;
  readonly clock: DatabaseClock;
  readonly monotonicMillis: MonotonicMillis;
  /** The machine's own clock. */
  readonly wallMillis: () => number;
  readonly randomness: Randomness;
  readonly sleep: Sleep;
  readonly log: Logger;
  readonly version: string;
  /** What `apps/web` built. */
  readonly webFolder: string;
}

/** The wired server, not yet listening. */
export interface Composition {
  readonly app: Express;
  /** What has to be woken as time goes by. */
  readonly work: readonly RecurringWork[];
  /** To be beaten once a second. */
  readonly heartbeat: Heartbeat;
  /** Tells followers of events; to be started with what hears of commits. */
  readonly feed: EventFeed;
  readonly notifications: NotificationListener;
  /** Something was committed that webhooks may have to tell of. */
  readonly wakeWebhooks: () => void;
  /** Writes what was counted for the audit and chains what was written: with every beat. Never rejects. */
  readonly tickAudit: () => Promise<void>;
  /** From now on `/readyz` says no, and nothing new is begun. Waits up to 10 s for what is under way. Never rejects. */
  drain(): Promise<void>;
}

/** Joins the rooms: the one place where they meet. */
export const compose = (foundation: Foundation): Composition => {
  const {
    config,
    db,
    vault,
    apiKeys,
    deployment,
    metrics,
    clock,
    monotonicMillis,
    wallMillis,
    randomness,
    sleep,
    log,
    version,
    webFolder,
  } = foundation;
  const { allowLoopback, publicUrl, probeIntervalSeconds } = config;
  const wire: WireContext = { findProvider, allowLoopback };
  const nodes = createNodes({ db, clock, id: newId('node', randomness) });
  const defaultRedirectUri = `${publicUrl}/connect/callback`;

  const { auditRetentionDays: retentionDays } = config;
  const audit = createAudit({
    ...{ db, vault, clock, randomness, log, retentionDays },
    findTenants: (...given) => findTenantsOfConnections(db, ...given),
  });
  const idempotentRequests = createIdempotentRequests({ db, vault, clock });
  const integrations = createIntegrations({
    db,
    vault,
    clock,
    randomness,
    allowLoopback,
    isProduction: config.isProduction,
    // `refreshes` is made below; nothing is mended before.
    whenMended: (rowId) => refreshes.wakeConnectionsOf(rowId, WAKE_SPREAD_SECONDS),
  });
  const measured = { monotonicMillis, observe: metrics.observeProviderRequest };
  const oauth = measureOAuth(createOAuth({ allowLoopback, clock, log }), measured);
  const guardedFetch = createGuardedFetch({ allowLoopback, log });

  const connections = createConnectionStore({ db, clock, randomness, wire });
  const credentials = createCredentialStore({ db, vault });
  const grants = createGrantStore({
    db,
    vault,
    clock,
    randomness,
    connections,
    findProvider,
    probeIntervalSeconds,
  });
  const namedSecrets = createNamedSecretStore({ db, vault, clock, connections });
  const refreshes = createRefreshStore({ db, vault, clock, randomness, nodes, proof: deployment.proof });
  const usage = createUsageStore({ db, clock });
  const expiring = createExpiringStore({ db, randomness });

  const mayRevoke = (issuedAt: Date): boolean =>
    !deployment.isFrozen() && deployment.provenanceOf(issuedAt) !== 'foreign';
  const findTarget = createFindTarget({ integrations, findProvider });
  const gate = createTokenEndpointGate({ db, clock, randomness, log });
  const spool = createSpool({ folder: join(config.dataDir, 'spool'), store: refreshes, log });
  const outages = createOutages({
    ...{ db, clock, randomness, log },
    // `health` is made below; nothing is asked before.
    askWitness: (witness) => health.askWitness(witness),
    intervalSeconds: probeIntervalSeconds,
  });
  const refresh = createRefresh({
    store: refreshes,
    credentials,
    integrations,
    oauth,
    findTarget,
    gate,
    spool,
    outages,
    isFrozen: deployment.isFrozen,
    provenanceOf: deployment.provenanceOf,
    mayRevoke,
    inTouchSince: nodes.inTouchSince,
    clock,
    monotonicMillis,
    wallMillis,
    randomness,
    sleep,
    log,
    wire,
  });
  const health = createHealth({
    store: createProbeStore({
      ...{ db, clock, randomness, owner: nodes.id },
      noteQuietCheck: (check) =>
        audit.noteUse({ ...check, action: 'connection.checked', windowSeconds: SECONDS_PER_DAY }),
    }),
    credentials,
    connections,
    probe: measureProbe(
      createProbeCredential({
        oauth,
        fetch: guardedFetch,
        findTarget,
        leaveFor: createProbeLimits({ db, clock, log }),
        wire,
      }),
      measured,
    ),
    outages,
    tendOutages: outages.tend,
    noteRefusedClient: createNoteRefusedClient({ integrations, clock }),
    refreshIfDue: refresh.refreshIfDue,
    refreshNow: refresh.refreshNow,
    clock,
    randomness,
    sleep,
    log,
    wire,
    intervalSeconds: probeIntervalSeconds,
  });
  const tenants = createTenantStore({ db, vault });
  const disconnect = createDisconnect({
    connections,
    credentials,
    refreshes,
    tenants,
    oauth,
    findTarget,
    mayRevoke,
    sleep,
    log,
  });
  const connect = createConnect({
    db,
    vault,
    clock,
    randomness,
    log,
    oauth,
    fetch: guardedFetch,
    integrations,
    connections: {
      findRecord: connections.findRecord,
      saveGrant: grants.saveGrant,
      toConnectedAccount: (record) => toConnectedAccount(record, wire),
    },
    findProvider,
    allowLoopback,
    publicUrl,
  });
  const ownerConnections = createOwnerConnections({
    listConnections: connections.listConnections,
    getConnection: connections.getConnection,
    deleteConnection: disconnect.deleteConnection,
    clock,
  });
  const importConnection = createImportConnection({
    findProvider,
    resolveIntegration: integrations.resolveIntegration,
    openIntegration: integrations.openIntegration,
    oauth,
    saveGrant: grants.saveGrant,
    clock,
    allowLoopback,
  });

  const notifications = createNotificationListener({
    ...{ db, randomness, sleep, log },
    directUrl: config.databaseDirectUrl,
  });
  const events = createEventLog({ db });
  const feed = createEventFeed({
    events,
    isListening: notifications.isListening,
    monotonicMillis,
    sleep,
    log,
  });

  const eventDelivery = () => ({ isListening: notifications.isListening(), streams: feed.size() });

  const webhookEndpoints = createEndpointStore({ db, vault, clock, randomness, allowLoopback });
  const webhooks = createWebhooks({
    ...{ db, endpoints: webhookEndpoints, nodes, clock, randomness, sleep, log },
    fetch: createGuardedFetch({ allowLoopback, log, timeoutMillis: WEBHOOK_TIMEOUT_MILLIS }),
    isFrozen: deployment.isFrozen,
    isForeign: (enabledAt) => deployment.provenanceOf(enabledAt) === 'foreign',
  });

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
      // Read, if not here: it is kept alive.
      usage.noteUse(connectionId, null);
      metrics.countReads('client_cache', count);
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
        await tenants.eraseDeliveries(clock.now());
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

  metrics.watch({
    countConnections: connections.countConnections,
    readDueWork: createReadDueWork({ db, clock }),
    readAuditLag: audit.lagSeconds,
    isRefreshFrozen: deployment.isFrozen,
    eventDelivery,
    webhookFigures: webhooks.figures,
  });
  let isDraining = false;
  const app = createApp({
    routes,
    verifyApiKey: apiKeys.verifyApiKey,
    allows: apiKeys.allows,
    once: idempotentRequests.once,
    takeUsage,
    noteKeyUse: ({ actor, key: { environment, tenantId }, call, result }) =>
      audit.noteUse({
        ...{ actor, environment, tenantId, connectionId: null, result },
        ...{ action: 'key.used', details: { call } },
      }),
    ping: db.ping,
    isDraining: () => isDraining,
    refreshState: deployment.state,
    eventDelivery,
    metrics,
    monotonicMillis,
    connectRouter: createConnectRouter({
      connect,
      findProvider,
      allowLoopback,
      ownerConnections,
      publicUrl,
      log,
    }),
    webFolder,
    publicUrl,
    version,
    log,
    randomness,
    trustedProxies: config.trustedProxies,
  });

  const sweepAtOnce = (): void => {
    refresh.sweepDueRefreshes(clock.now()).catch((error: unknown) => {
      log.error({ error: errorName(error) }, 'a sweep broke off');
    });
  };
  const heartbeat = createHeartbeat({
    nodes,
    clock,
    monotonicMillis,
    log,
    // What is kept goes first: it may be all that is left of a rotation.
    onBeat: async () => {
      await spool.drain();
      // Not waited for: a beat is no place for what takes long.
      void webhooks.tick();
      void audit.tick();
      await Promise.all([deployment.tick(), gate.look(), usage.flushUses()]);
    },
    onDeath: sweepAtOnce,
  });

  return {
    app,
    heartbeat,
    feed,
    notifications,
    wakeWebhooks: webhooks.wake,
    tickAudit: audit.tick,
    // What is due by itself is audited in its name.
    work: recurringWork({
      sweepDueRefreshes: refresh.sweepDueRefreshes,
      tellExpiring: expiring.tellExpiring,
      sweepDueProbes: health.sweepDueProbes,
      sweepSessions: async (now) => {
        await connect.sweepSessions(now);
        await connect.setups.sweepSetups(now);
        await idempotentRequests.sweep(now);
      },
      sweepEvents: async (now) => {
        // First: what was swept from the outbox could no longer be sent.
        await webhooks.sweep(now);
        await events.sweepEvents(now);
      },
      sweepAudit: async (now) => {
        await audit.sweep(now);
        await tenants.eraseDeliveries(now);
      },
      probeIntervalSeconds,
    }).map((each) => ({ ...each, run: (now) => asTask(each.name, () => each.run(now)) })),
    async drain() {
      isDraining = true;
      // Streams never end by themselves; their readers go to another server and say where they were.
      feed.stop();
      await Promise.allSettled([refresh.stop(), health.stop(), webhooks.stop()]);
      await audit.stop();
    },
  };
};
