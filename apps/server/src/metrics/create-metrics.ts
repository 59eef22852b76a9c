import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import type { Logger } from '../log/logger.js';
import { createDatabaseLooks } from './database-looks.js';
import type { ObserveProviderRequest } from './provider-request.js';
import { registerStateGauges, type StateSources } from './state-gauges.js';
import { registerWebhookGauges, type WebhookSources } from './webhook-gauges.js';

/** A request that was answered. */
export interface HttpRequestFigures {
  readonly method: string;
  /** The pattern, such as `/v1/connections/:id`; `other` where none matched. Never a URL. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

/** A run of recurring work. */
export interface JobFigures {
  readonly job: string;
  readonly result: 'ok' | 'failed';
  /** From when it was asked for until it ran. */
  readonly waitSeconds: number;
  readonly seconds: number;
}

/** Where a credential was read: from the server, or from the memory of a client that tells of it in sums. */
export type ServedFrom = 'server' | 'client_cache';

export interface MetricsSources extends StateSources, WebhookSources {}

/** How metrics are read from a database that may be away. */
export interface WatchOptions {
  readonly log: Pick<Logger, 'warn'>;
  /** How long a scrape waits for the database. Default 3 s. */
  readonly patienceMillis?: number;
}

/** The metrics of this process. What they read from the database is the same at all replicas. */
export interface Metrics {
  readonly registry: Registry;
  observeHttpRequest(figures: HttpRequestFigures): void;
  readonly observeProviderRequest: ObserveProviderRequest;
  /** Jobs that have not run yet count 0, so that the first that fails is seen as an increase. */
  expectJobs(jobs: readonly string[]): void;
  observeJob(figures: JobFigures): void;
  countReads(from: ServedFrom, count: number): void;
  /** Gauges that look at the state when they are read: once all rooms are there. */
  watch(sources: MetricsSources, options: WatchOptions): void;
}

/** From a cached read to the longest wait for a provider. */
const HTTP_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Providers answer within 10 s, or are given up. */
const PROVIDER_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 12];
/** From at once to half an hour, which is an outage. */
const JOB_SECONDS = [0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800];

/**
 * Opens the metrics, in Prometheus' shape. No label holds a tenant, a user, a connection or anything else that grows with
 * customers: providers, routes, reasons and names of jobs are all there is.
 */
export const createMetrics = (): Metrics => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Counter({
    name: 'authpipe_http_requests_total',
    help: 'Answered requests by method and status.',
    labelNames: ['method', 'status'],
    registers,
  });
  const requestSeconds = new Histogram({
    name: 'authpipe_http_request_seconds',
    help: 'How long requests took to answer, by route.',
    labelNames: ['method', 'route'],
    buckets: HTTP_SECONDS,
    registers,
  });
  const providerRequests = new Counter({
    name: 'authpipe_provider_requests_total',
    help: 'What providers were asked for, by how it went: ok, the reason of what is wrong, or not_sent.',
    labelNames: ['provider', 'operation', 'result'],
    registers,
  });
  const providerSeconds = new Histogram({
    name: 'authpipe_provider_request_seconds',
    help: 'How long providers took for it; what was not sent is left out.',
    labelNames: ['provider', 'operation'],
    buckets: PROVIDER_SECONDS,
    registers,
  });
  const jobRuns = new Counter({
    name: 'authpipe_job_runs_total',
    help: 'Runs of recurring work at this process.',
    labelNames: ['job', 'result'],
    registers,
  });
  const jobWaits = new Histogram({
    name: 'authpipe_job_wait_seconds',
    help: 'How long a run waited in the queue before a replica took it.',
    labelNames: ['job'],
    buckets: JOB_SECONDS,
    registers,
  });
  const jobSeconds = new Histogram({
    name: 'authpipe_job_run_seconds',
    help: 'How long a run took.',
    labelNames: ['job'],
    buckets: JOB_SECONDS,
    registers,
  });
  const reads = new Counter({
    name: 'authpipe_credential_reads_total',
    help: 'Credentials that were served, by the server and, as clients tell in sums, from their own memory.',
    labelNames: ['served_from'],
    registers,
  });
  for (const served_from of ['server', 'client_cache']) reads.inc({ served_from }, 0);

  return {
    registry,
    observeHttpRequest({ method, route, status, seconds }) {
      requests.inc({ method, status });
      requestSeconds.observe({ method, route }, seconds);
    },
    observeProviderRequest({ provider, operation, result, seconds }) {
      providerRequests.inc({ provider, operation, result });
      if (result !== 'not_sent') providerSeconds.observe({ provider, operation }, seconds);
    },
    expectJobs(jobs) {
      for (const job of jobs) for (const result of ['ok', 'failed']) jobRuns.inc({ job, result }, 0);
    },
    observeJob({ job, result, waitSeconds, seconds }) {
      jobRuns.inc({ job, result });
      jobWaits.observe({ job }, waitSeconds);
      jobSeconds.observe({ job }, seconds);
    },
    countReads: (served_from, count) => reads.inc({ served_from }, count),
    watch(sources, options) {
      const looks = createDatabaseLooks(options);
      registerStateGauges(registry, sources, looks);
      registerWebhookGauges(registry, sources, looks);
    },
  };
};
