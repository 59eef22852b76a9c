import { Counter, Gauge, type Registry } from 'prom-client';
import type { DatabaseLooks } from './database-looks.js';
import { sharedLook } from './shared-look.js';

/** What the database knows of webhooks. */
export interface WebhookFigures {
  readonly lagSeconds: number;
  readonly pending: number;
  readonly enabled: number;
  readonly paused: number;
  readonly givenUp: number;
}

/** What the metrics of webhooks are read from. */
export interface WebhookSources {
  readonly webhookFigures: () => Promise<WebhookFigures>;
  /** Attempts of this process, by how they ended. */
  readonly webhookResults: () => ReadonlyMap<string, number>;
}

/** Adds the metrics of webhooks. None has a label that names an endpoint, a tenant or a user. */
export const registerWebhookGauges = (
  registry: Registry,
  { webhookFigures, webhookResults }: WebhookSources,
  looks: DatabaseLooks,
): void => {
  const registers = [registry];
  const shared = sharedLook(webhookFigures);
  const look = (): Promise<WebhookFigures | null> => looks.read('webhooks', shared);

  new Gauge({
    name: 'authpipe_webhook_lag_seconds',
    help: 'Age of the oldest event that an enabled webhook endpoint was not told of yet.',
    registers,
    async collect() {
      const figures = await look();
      if (figures === null) this.remove();
      else this.set(figures.lagSeconds);
    },
  });
  new Gauge({
    name: 'authpipe_webhook_pending',
    help: 'Deliveries that wait to be made, over all endpoints that are enabled.',
    registers,
    async collect() {
      const figures = await look();
      if (figures === null) this.remove();
      else this.set(figures.pending);
    },
  });
  new Gauge({
    name: 'authpipe_webhook_endpoints',
    help: 'Webhook endpoints by state: enabled, paused (by a person, or in a copy), given_up (disabled since they failed).',
    labelNames: ['state'],
    registers,
    async collect() {
      const figures = await look();
      this.reset();
      if (figures === null) return;
      this.set({ state: 'enabled' }, figures.enabled);
      this.set({ state: 'paused' }, figures.paused);
      this.set({ state: 'given_up' }, figures.givenUp);
    },
  });
  new Counter({
    name: 'authpipe_webhook_deliveries_total',
    help: 'Attempts of this process: delivered, retried, given_up (others arrive there), disabled (the endpoint was).',
    labelNames: ['result'],
    registers,
    collect() {
      this.reset();
      for (const [result, count] of webhookResults()) this.inc({ result }, count);
    },
  });
};
