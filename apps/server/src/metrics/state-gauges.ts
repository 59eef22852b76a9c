import { Gauge, type Registry } from 'prom-client';
import type { DatabaseLooks } from './database-looks.js';
import { sharedLook } from './shared-look.js';

/** What the gauges of the state are read from. */
export interface StateSources {
  /** Resolves when the database answers. */
  readonly ping: () => Promise<void>;
  /** Connections by provider, status and reason. */
  readonly countConnections: () => Promise<
    readonly { provider: string; status: string; reason: string | null; count: number }[]
  >;
  /** Integrations by provider, status and reason. */
  readonly countIntegrations: () => Promise<
    readonly { provider: string; status: string; reason: string | null; count: number }[]
  >;
  readonly readDueWork: () => Promise<{
    readonly refreshOverdueSeconds: number;
    readonly probeOverdueSeconds: number;
  }>;
  /** How long the oldest entry of the audit waits for its place in its chain. */
  readonly readAuditLag: () => Promise<number>;
  readonly isRefreshFrozen: () => boolean;
  readonly eventDelivery: () => { readonly isListening: boolean; readonly streams: number };
}

/** Counting a million connections takes most of a second of the database. */
const COUNTED_EVERY_MILLIS = 60_000;

/** Adds the gauges that look at the state when they are read. What can't be read has no value. */
export const registerStateGauges = (
  registry: Registry,
  sources: StateSources,
  looks: DatabaseLooks,
): void => {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number | Promise<number | null>): void => {
    new Gauge({
      ...{ name, help, registers },
      async collect() {
        const value = await read();
        if (value === null) this.remove();
        else this.set(value);
      },
    });
  };
  const countConnections = sharedLook(sources.countConnections, { forMillis: COUNTED_EVERY_MILLIS });
  const countIntegrations = sharedLook(sources.countIntegrations);
  const readDueWork = sharedLook(sources.readDueWork);
  const readUp = (): Promise<number> => sources.ping().then(() => 1);

  gauge(
    'authpipe_database_up',
    '1 while the database answers this process; 0 while it does not, and nothing has a value that is read from it.',
    async () => (await looks.read('ping', readUp)) ?? 0,
  );
  new Gauge({
    name: 'authpipe_connections',
    help: 'Connections by provider, status and reason; counted once a minute.',
    labelNames: ['provider', 'status', 'reason'],
    registers,
    async collect() {
      const counts = await looks.read('connections', countConnections);
      this.reset();
      for (const { provider, status, reason, count } of counts ?? [])
        this.set({ provider, status, reason: reason ?? '' }, count);
    },
  });
  new Gauge({
    name: 'authpipe_integrations',
    help: 'Integrations by provider, status and reason: degraded where the provider refuses their OAuth client.',
    labelNames: ['provider', 'status', 'reason'],
    registers,
    async collect() {
      const counts = await looks.read('integrations', countIntegrations);
      this.reset();
      for (const { provider, status, reason, count } of counts ?? [])
        this.set({ provider, status, reason: reason ?? '' }, count);
    },
  });
  gauge(
    'authpipe_refresh_overdue_seconds',
    'How late the most overdue refresh is, over all replicas; 0 when none is.',
    async () => (await looks.read('due work', readDueWork))?.refreshOverdueSeconds ?? null,
  );
  gauge(
    'authpipe_probe_overdue_seconds',
    'How late the most overdue probe is, over all replicas; 0 when none is.',
    async () => (await looks.read('due work', readDueWork))?.probeOverdueSeconds ?? null,
  );
  gauge(
    'authpipe_audit_lag_seconds',
    'How long the oldest entry of the audit waits for its place in its chain.',
    () => looks.read('audit lag', sources.readAuditLag),
  );
  gauge(
    'authpipe_refresh_frozen',
    '1 while nothing is refreshed because the database may be a copy or a restored backup; see /readyz.',
    () => (sources.isRefreshFrozen() ? 1 : 0),
  );
  gauge(
    'authpipe_events_listening',
    '1 while the database pushes events to this server; 0 while they are looked for, as behind a transaction pooler.',
    () => (sources.eventDelivery().isListening ? 1 : 0),
  );
  gauge('authpipe_event_streams', 'Open streams of GET /v1/events.', () => sources.eventDelivery().streams);
};
