import { join } from 'node:path';
import { findProvider } from '@authpipe/providers';
import { createIdempotentRequests } from './access/idempotent-request-store.js';
import { createAudit } from './audit/create-audit.js';
import { createConnect } from './connect/create-connect.js';
import { createImportConnection } from './connect/import-connection.js';
import { createOwnerConnections } from './connect/owner-connections.js';
import { createConnectionStore } from './credentials/connection-store.js';
import { createCredentialStore } from './credentials/credential-store.js';
import { createExpiringStore } from './credentials/expiring-store.js';
import { createGrantStore } from './credentials/grant-store.js';
import { createNamedSecretStore } from './credentials/named-secret-store.js';
import { createProbeStore } from './credentials/probe-store.js';
import { createRefreshStore } from './credentials/refresh-store.js';
import { findTenantsOfConnections } from './credentials/tenants-of-connections.js';
import { toConnectedAccount, type WireContext } from './credentials/to-wire.js';
import { createUsageStore } from './credentials/usage-store.js';
import { createNodes } from './db/nodes.js';
import { createNotificationListener } from './db/notification-listener.js';
import { createDisconnect } from './disconnect/disconnect.js';
import { createTenantStore } from './disconnect/tenant-store.js';
import { createEventFeed } from './events/event-feed.js';
import { createEventLog } from './events/event-log.js';
import type { Foundation } from './foundation.js';
import { createHealth } from './health/health.js';
import { measureProbe } from './health/measured-probe.js';
import { createProbeCredential } from './health/probe-credential.js';
import { createProbeLimits } from './health/probe-limits.js';
import { createIntegrations } from './integrations/integration-store.js';
import { createNoteRefusedClient } from './integrations/note-refused-client.js';
import { createOAuth } from './oauth/create-oauth.js';
import { createGuardedFetch } from './oauth/guarded-fetch.js';
import { measureOAuth } from './oauth/measured-oauth.js';
import { createOutages } from './outages/outages.js';
import { newId } from './randomness.js';
import { createFindTarget } from './refresh/find-target.js';
import { createRefresh } from './refresh/refresh.js';
import { WAKE_SPREAD_SECONDS } from './refresh/retry-delay.js';
import { createSpool } from './refresh/spool.js';
import { createTokenEndpointGate } from './refresh/token-endpoint-gate.js';
import { createWebhooks } from './webhooks/create-webhooks.js';
import { createEndpointStore } from './webhooks/endpoint-store.js';
import { WEBHOOK_TIMEOUT_MILLIS } from './webhooks/send-webhook.js';

/** Looks that find nothing new are told by the day. */
const SECONDS_PER_DAY = 86_400;

/** Builds the rooms and joins them: each is given the functions of others that it declares. */
export const composeRooms = (foundation: Foundation) => {
  const {
    config,
    db,
    vault,
    deployment,
    metrics,
    clock,
    monotonicMillis,
    wallMillis,
    randomness,
    sleep,
    log,
  } = foundation;
  const { allowLoopback, publicUrl, probeIntervalSeconds } = config;
  const wire: WireContext = { findProvider, allowLoopback };
  const nodes = createNodes({ db, clock, id: newId('node', randomness) });

  const { auditRetentionDays: retentionDays } = config;
  const audit = createAudit({
    ...{ db, vault, clock, randomness, log, retentionDays },
    findTenants: (...given) => findTenantsOfConnections(db, ...given),
    // Read, if not here: it is kept alive. `usage` is made below; nothing is reported before.
    onReportedUse: (connectionId, count) => {
      metrics.countReads('client_cache', count);
      usage.noteUse(connectionId, null);
    },
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
    // Both are made below; nothing is asked before.
    askWitness: (witness, question) =>
      question === 'renewal' ? refresh.bearWitness(witness) : health.askWitness(witness, question),
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
  const probeLimits = createProbeLimits({ db, clock, log });
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
        leaveFor: probeLimits.leaveFor,
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

  const webhookEndpoints = createEndpointStore({ db, vault, clock, randomness, allowLoopback });
  const webhooks = createWebhooks({
    ...{ db, endpoints: webhookEndpoints, nodes, clock, randomness, sleep, log },
    fetch: createGuardedFetch({
      allowLoopback,
      log,
      timeoutMillis: WEBHOOK_TIMEOUT_MILLIS,
      whom: 'a webhook endpoint',
    }),
    isFrozen: deployment.isFrozen,
    isForeign: (enabledAt) => deployment.provenanceOf(enabledAt) === 'foreign',
  });

  return {
    audit,
    connect,
    connections,
    disconnect,
    events,
    expiring,
    feed,
    gate,
    health,
    idempotentRequests,
    importConnection,
    integrations,
    credentials,
    namedSecrets,
    nodes,
    notifications,
    ownerConnections,
    probeLimits,
    refresh,
    spool,
    tenants,
    usage,
    webhookEndpoints,
    webhooks,
    wire,
  };
};

export type Rooms = ReturnType<typeof composeRooms>;
