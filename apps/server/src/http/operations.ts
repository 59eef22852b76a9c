import type { ApiKeyScope } from '@authpipe/types';
import { type RequestHandler, Router } from 'express';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { ApiKeyIdentity } from '../access/api-key-store.js';
import { Problem } from '../errors/problem.js';
import { registerWebhookMetrics, type WebhookMetricsSource } from './webhook-metrics.js';

/** What operators look at, and what it is read from. */
export interface OperationsDependencies {
  /** Resolves when the database answers. */
  readonly ping: () => Promise<void>;
  /** Whether the server is on its way out: not ready any more, still alive. */
  readonly isDraining: () => boolean;
  /** Whether tokens may be refreshed; a frozen server serves what is unexpired, so it is ready. */
  readonly refreshState: () => {
    readonly refresh: 'running' | 'frozen';
    readonly reason: string | null;
    readonly detail: string | null;
  };
  /** How events reach this server, and how many streams it feeds. */
  readonly eventDelivery: () => { readonly isListening: boolean; readonly streams: number };
  readonly verifyApiKey: (presented: string) => Promise<ApiKeyIdentity>;
  readonly allows: (identity: ApiKeyIdentity, scope: ApiKeyScope) => boolean;
  /** Connections by provider and status. */
  readonly countConnections: () => Promise<readonly { provider: string; status: string; count: number }[]>;
  readonly webhookFigures: () => Promise<WebhookMetricsSource>;
}

const adminOnly =
  ({ verifyApiKey, allows }: OperationsDependencies): RequestHandler =>
  async (request, _response, next) => {
    const presented = /^Bearer (.+)$/i.exec(request.get('authorization') ?? '')?.[1] ?? '';
    const key = await verifyApiKey(presented);
    if (!allows(key, 'admin') || key.tenantId !== null) {
      throw new Problem(
        'forbidden',
        'Metrics need an API key with the scope admin and without a tenant limit.',
      );
    }
    next();
  };

/** `/healthz`: the process runs; `/readyz`: it can serve; `/metrics`: Prometheus, with an admin key. */
export const operations = (dependencies: OperationsDependencies) => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'authpipe_http_requests_total',
    help: 'Answered requests by method and status.',
    labelNames: ['method', 'status'],
    registers: [registry],
  });
  new Gauge({
    name: 'authpipe_connections',
    help: 'Connections by provider and status.',
    labelNames: ['provider', 'status'],
    registers: [registry],
    async collect() {
      this.reset();
      for (const { provider, status, count } of await dependencies.countConnections())
        this.set({ provider, status }, count);
    },
  });
  new Gauge({
    name: 'authpipe_refresh_frozen',
    help: '1 while nothing is refreshed because the database may be a copy or a restored backup; see /readyz.',
    registers: [registry],
    collect() {
      this.set(dependencies.refreshState().refresh === 'frozen' ? 1 : 0);
    },
  });
  new Gauge({
    name: 'authpipe_events_listening',
    help: '1 while the database pushes events to this server; 0 while they are looked for, as behind a transaction pooler.',
    registers: [registry],
    collect() {
      this.set(dependencies.eventDelivery().isListening ? 1 : 0);
    },
  });
  new Gauge({
    name: 'authpipe_event_streams',
    help: 'Open streams of GET /v1/events.',
    registers: [registry],
    collect() {
      this.set(dependencies.eventDelivery().streams);
    },
  });
  registerWebhookMetrics(registry, dependencies.webhookFigures);
  const count: RequestHandler = (request, response, next) => {
    response.once('finish', () => requests.inc({ method: request.method, status: response.statusCode }));
    next();
  };
  const router = Router();
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  router.get('/readyz', async (_request, response) => {
    const database = await dependencies.ping().then(
      () => 'ok',
      () => 'unreachable',
    );
    const isReady = database === 'ok' && !dependencies.isDraining();
    const { refresh, reason, detail } = dependencies.refreshState();
    response.status(isReady ? 200 : 503).json({
      status: isReady ? 'ready' : 'not_ready',
      database,
      draining: dependencies.isDraining(),
      events: { delivery: dependencies.eventDelivery().isListening ? 'listen' : 'poll' },
      refresh: reason === null ? { status: refresh } : { status: refresh, reason, detail },
    });
  });
  router.get('/metrics', adminOnly(dependencies), async (_request, response) => {
    response.type(registry.contentType).send(await registry.metrics());
  });
  return { router, count };
};
