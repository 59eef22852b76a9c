import { findProvider } from '@authpipe/providers';
import type { Express } from 'express';
import { asTask } from './actor.js';
import { composeRooms } from './compose-rooms.js';
import { composeRoutes } from './compose-routes.js';
import { createReadDueWork } from './credentials/due-work.js';
import type { NotificationListener } from './db/notification-listener.js';
import { errorSummary } from './errors/error-summary.js';
import type { EventFeed } from './events/event-feed.js';
import type { Foundation } from './foundation.js';
import { createApp } from './http/app.js';
import { createConnectRouter } from './http/connect/connect-router.js';
import { createHeartbeat, type Heartbeat } from './jobs/heartbeat.js';
import { REFRESH_SWEEP, recurringWork } from './jobs/recurring-work.js';
import type { RecurringWork } from './jobs/start-jobs.js';
import { withLogContext } from './log/log-context.js';

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

/** Joins the rooms, and puts HTTP, jobs and the beat on them. */
export const compose = (foundation: Foundation): Composition => {
  const {
    config,
    db,
    apiKeys,
    deployment,
    metrics,
    clock,
    monotonicMillis,
    randomness,
    log,
    version,
    webFolder,
  } = foundation;
  const { allowLoopback, publicUrl, probeIntervalSeconds } = config;
  const rooms = composeRooms(foundation);
  const {
    audit,
    connect,
    connections,
    events,
    expiring,
    feed,
    gate,
    health,
    idempotentRequests,
    integrations,
    nodes,
    notifications,
    ownerConnections,
    probeLimits,
    refresh,
    spool,
    tenants,
    usage,
    webhooks,
  } = rooms;
  const eventDelivery = () => ({ isListening: notifications.isListening(), streams: feed.size() });

  metrics.watch(
    {
      ping: db.ping,
      countConnections: connections.countConnections,
      countIntegrations: integrations.countIntegrations,
      readDueWork: createReadDueWork({ db, clock }),
      readAuditLag: audit.lagSeconds,
      isRefreshFrozen: deployment.isFrozen,
      eventDelivery,
      webhookFigures: webhooks.figures,
      webhookResults: webhooks.results,
    },
    { log },
  );
  let isDraining = false;
  const app = createApp({
    ...composeRoutes(foundation, rooms),
    verifyApiKey: apiKeys.verifyApiKey,
    verifyKnownApiKey: apiKeys.verifyKnownApiKey,
    allows: apiKeys.allows,
    once: idempotentRequests.once,
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

  const sweepAtOnce = (): void =>
    withLogContext({ job: REFRESH_SWEEP }, () => {
      refresh.sweepDueRefreshes(clock.now()).catch((error: unknown) => {
        log.error({ error: errorSummary(error) }, 'a sweep broke off');
      });
    });
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

  // What is due by itself is audited and logged in its name.
  const work = recurringWork({
    sweepDueRefreshes: refresh.sweepDueRefreshes,
    tellExpiring: expiring.tellExpiring,
    sweepDueProbes: health.sweepDueProbes,
    sweepSessions: async (now) => {
      await connect.sweepSessions(now);
      await connect.setups.sweepSetups(now);
      await idempotentRequests.sweep(now);
      await probeLimits.sweepLimits(now);
    },
    sweepEvents: async (now) => {
      // First: what was swept from the outbox could no longer be sent.
      await webhooks.sweep(now);
      await events.sweepEvents(now);
    },
    sweepAudit: async (now) => {
      await audit.sweep(now);
      await tenants.eraseTold(now);
    },
    checkpointAudit: audit.checkpoint,
    probeIntervalSeconds,
  }).map((each) => ({
    ...each,
    run: (now: Date) => asTask(each.name, () => withLogContext({ job: each.name }, () => each.run(now))),
  }));
  metrics.expectJobs(work.map(({ name }) => name));

  return {
    app,
    heartbeat,
    feed,
    notifications,
    wakeWebhooks: webhooks.wake,
    tickAudit: audit.tick,
    work,
    async drain() {
      isDraining = true;
      // Streams never end by themselves; their readers go to another server and say where they were.
      feed.stop();
      await Promise.allSettled([refresh.stop(), health.stop(), webhooks.stop()]);
      await audit.stop();
    },
  };
};
