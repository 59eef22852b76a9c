import { Counter, Gauge, type Registry } from 'prom-client';
import { sharedLook } from './shared-look.js';

/** What the metrics of webhooks are read from. */
export interface WebhookMetricsSource {
  readonly lagSeconds: number;
  readonly pending: number;
  readonly enabled: number;
  readonly disabled: number;
  /** Attempts of this process, by how they ended. */
  readonly results: ReadonlyMap<string, number>;
}

/** Adds the metrics of webhooks. None has a label that names an endpoint, a tenant or a user. */
export const registerWebhookGauges = (
  registry: Registry,
  figures: () => Promise<WebhookMetricsSource>,
): void => {
  const registers = [registry];
  const look = sharedLook(figures);

  new Gauge({
    name: 'authpipe_webhook_lag_seconds',
    help: 'Age of the oldest event that an enabled webhook endpoint was not told of yet.',
    registers,
    async collect() {
      this.set((await look()).lagSeconds);
    },
  });
  new Gauge({
    name: 'authpipe_webhook_pending',
    help: 'Deliveries that wait to be made, over all endpoints that are enabled.',
    registers,
    async collect() {
      this.set((await look()).pending);
    },
  });
  new Gauge({
    name: 'authpipe_webhook_endpoints',
    help: 'Webhook endpoints by state.',
    labelNames: ['state'],
    registers,
    async collect() {
      const { enabled, disabled } = await look();
      this.set({ state: 'enabled' }, enabled);
      this.set({ state: 'disabled' }, disabled);
    },
  });
  new Counter({
    name: 'authpipe_webhook_deliveries_total',
    help: 'Attempts of this process: delivered, retried, given_up (others arrive there), disabled (the endpoint was).',
    labelNames: ['result'],
    registers,
    async collect() {
      const { results } = await look();
      this.reset();
      for (const [result, count] of results) this.inc({ result }, count);
    },
  });
};
