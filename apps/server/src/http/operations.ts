import type { ApiKeyScope } from '@authpipe/types';
import { type RequestHandler, Router } from 'express';
import type { ApiKeyIdentity } from '../access/api-key-store.js';
import { Problem } from '../errors/problem.js';
import type { Metrics } from '../metrics/create-metrics.js';
import { presentedKey } from './presented-key.js';

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
  /** For metrics: also while the database is away. */
  readonly verifyKnownApiKey: (presented: string) => Promise<ApiKeyIdentity>;
  readonly allows: (identity: ApiKeyIdentity, scope: ApiKeyScope) => boolean;
  readonly metrics: Pick<Metrics, 'registry'>;
}

const adminOnly =
  ({ verifyKnownApiKey, allows }: OperationsDependencies): RequestHandler =>
  async (request, _response, next) => {
    const key = await verifyKnownApiKey(presentedKey(request));
    if (!allows(key, 'admin') || key.tenantId !== null) {
      throw new Problem(
        'forbidden',
        'Metrics need an API key with the scope admin and without a tenant limit.',
      );
    }
    next();
  };

/** `/healthz`: the process runs; `/readyz`: it can serve; `/metrics`: Prometheus, with an admin key. */
export const operations = (dependencies: OperationsDependencies): Router => {
  const { registry } = dependencies.metrics;
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
  return router;
};
