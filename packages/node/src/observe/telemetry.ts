import type * as OpenTelemetry from '@opentelemetry/api';
import { AuthpipeError } from '../errors.js';
import type { HttpCall } from '../http-transport.js';
import type { CacheCounts } from './cache-observer.js';

/** What is measured, read when a metric reader asks. */
export interface TelemetrySource {
  readonly baseUrl: string;
  readonly environment: string;
  readonly counts: CacheCounts;
  /** How many credentials are held. */
  readonly size: () => number;
  /** Whether the event stream is live. */
  readonly isStreaming: () => boolean;
  /** Metrics are wanted: from now on `counts` has to be right. */
  readonly onMetrics: () => void;
}

type Api = typeof OpenTelemetry;
type Observe = (result: OpenTelemetry.ObservableResult) => void;

const NAME = '@authpipe/node';

let loading: Promise<Api | undefined> | undefined;
/** Users who do not have it lose nothing; bundlers are told to leave it to the run time. */
const loadApi = (): Promise<Api | undefined> => {
  loading ??= import(/* webpackIgnore: true */ /* @vite-ignore */ '@opentelemetry/api').catch(
    () => undefined,
  );
  return loading;
};

/**
 * OpenTelemetry, where `@opentelemetry/api` is installed and an SDK is set up: a span around each request to the server,
 * and what the cache does as metrics. Nothing in them is secret, and no metric names a tenant, a user or a connection.
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/
 */
export class Telemetry {
  readonly #source: TelemetrySource;
  #isMeasuring = false;
  #stop = () => {};

  constructor(source: TelemetrySource) {
    this.#source = source;
  }

  /** Runs a request in a span. */
  readonly runRequest = async <T>(call: HttpCall, request: () => Promise<T>): Promise<T> => {
    const api = await loadApi();
    if (api === undefined) return request();
    this.#measure(api);
    const route = `/v1${routeOf(call.path)}`;
    const { hostname, port } = new URL(this.#source.baseUrl);
    const attributes = {
      'http.request.method': call.method,
      'url.template': route,
      'server.address': hostname,
      ...(port === '' ? {} : { 'server.port': Number(port) }),
      'authpipe.environment': this.#source.environment,
    };
    const options = { kind: api.SpanKind.CLIENT, attributes };
    return api.trace.getTracer(NAME).startActiveSpan(`${call.method} ${route}`, options, async (span) => {
      try {
        return await request();
      } catch (error) {
        const { code, status, requestId } =
          error instanceof AuthpipeError ? error : ({} as Partial<AuthpipeError>);
        span.setAttribute('error.type', code ?? 'aborted');
        if (status !== undefined) span.setAttribute('http.response.status_code', status);
        if (requestId !== undefined) span.setAttribute('authpipe.request_id', requestId);
        span.setStatus({ code: api.SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    });
  };

  /** Ends measuring: a closed client is held by nothing. */
  close(): void {
    this.#isMeasuring = true;
    this.#stop();
  }

  /** Once, with the first request: an SDK that is set up later than that is not seen. */
  #measure(api: Api): void {
    if (this.#isMeasuring) return;
    this.#isMeasuring = true;
    const meter = api.metrics.getMeter(NAME);
    if (meter === api.createNoopMeter()) return;
    const { baseUrl, counts, environment, size, isStreaming, onMetrics } = this.#source;
    const attributes = { 'authpipe.environment': environment, 'server.address': new URL(baseUrl).hostname };
    const observed = (observable: OpenTelemetry.Observable, read: () => number) => {
      const observe: Observe = (result) => result.observe(read(), attributes);
      observable.addCallback(observe);
      return () => observable.removeCallback(observe);
    };
    const counter = (name: string, description: string) =>
      meter.createObservableCounter(`authpipe.cache.${name}`, { description });
    const stops = [
      observed(counter('hits', 'Reads answered from memory'), () => counts.hits),
      observed(counter('misses', 'Reads that waited for the server'), () => counts.misses),
      observed(counter('stale', 'Reads answered while a newer credential was fetched'), () => counts.stale),
      observed(counter('evictions', 'Credentials that left the cache'), () => counts.evictions),
      observed(
        meter.createObservableUpDownCounter('authpipe.cache.size', {
          description: 'Credentials in the cache',
        }),
        size,
      ),
      observed(
        meter.createObservableGauge('authpipe.stream.live', {
          description: '1 while the event stream keeps the cache fresh, 0 while its age does',
        }),
        () => (isStreaming() ? 1 : 0),
      ),
    ];
    this.#stop = () => {
      for (const stop of stops) stop();
    };
    onMetrics();
  }
}

/** The words of paths; everything else in one is an id. */
const WORDS = new Set(
  'batch check connect-sessions connections credentials finish integrations refresh report secrets tenants'.split(
    ' ',
  ),
);

const routeOf = (path: string): string =>
  path
    .split('/')
    .map((part) => (part === '' || WORDS.has(part) ? part : '{id}'))
    .join('/');
