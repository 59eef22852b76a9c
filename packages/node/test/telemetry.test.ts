import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { Authpipe, type CredentialRef } from '../src/index.js';
import { API_KEY, credential, HttpServer, problem } from './http-server.js';
import { ManualClock } from './manual-clock.js';
import { until } from './until.js';

const REF: CredentialRef = { provider: 'okta', tenantId: 'org_acme', userId: 'user_123' };

const spans = new InMemorySpanExporter();
const points = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter: points, exportIntervalMillis: 3_600_000 });
const meterProvider = new MeterProvider({ readers: [reader] });

let server: HttpServer;
let clock: ManualClock;
let client: Authpipe;

beforeAll(() => {
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }),
  );
  metrics.setGlobalMeterProvider(meterProvider);
});
afterAll(() => meterProvider.shutdown());

beforeEach(async () => {
  spans.reset();
  server = await HttpServer.start();
  server.answer = () => ({ json: credential({ credential: 'secret-token' }) });
  clock = new ManualClock();
  client = new Authpipe({ apiKey: API_KEY, baseUrl: server.url, clock });
});

afterEach(async () => {
  client.close();
  await server.stop();
});

/** The latest value of each metric, and all attributes. */
const collect = async () => {
  points.reset();
  await reader.forceFlush();
  const all = points
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  const values = Object.fromEntries(
    all.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints[0]?.value]),
  );
  return { values, text: JSON.stringify(all) };
};

describe('with OpenTelemetry', () => {
  it('each request to the server is a span, named by its route', async () => {
    await client.getCredential(REF);
    await client.getConnection('conn_secretive');
    const told = spans
      .getFinishedSpans()
      .map(({ name, kind, attributes, status }) => ({ name, kind, attributes, status }));
    expect(told.map(({ name }) => name)).toEqual(['GET /v1/credentials', 'GET /v1/connections/{id}']);
    expect(told[0]).toMatchObject({
      kind: SpanKind.CLIENT,
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        'http.request.method': 'GET',
        'url.template': '/v1/credentials',
        'server.address': '127.0.0.1',
        'server.port': Number(new URL(server.url).port),
        'authpipe.environment': 'test',
      },
    });
  });

  it('a failed one says so with its code, status and request id', async () => {
    server.answer = () => problem(404, 'connection_not_found');
    await client.getCredential(REF).catch(() => undefined);
    expect(spans.getFinishedSpans()[0]).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: {
        'error.type': 'connection_not_found',
        'http.response.status_code': 404,
        'authpipe.request_id': 'req_1',
      },
    });
  });

  it('what the cache does is counted', async () => {
    server.answerStream = () => 'stream';
    await client.getCredential(REF);
    expect((await collect()).values).toMatchObject({ 'authpipe.stream.live': 0 });
    (await server.streamOpened()).ready({ heartbeatSeconds: 100 });
    await until(() => client.freshness === 'stream');
    for (let read = 0; read < 5; read += 1) await client.getCredential(REF);
    clock.advanceSeconds(55);
    await client.getCredential(REF);
    await until(() => server.requests.length === 2);
    server.answer = () => ({ json: { id: 'conn_1', revokedAtProvider: true } });
    await client.deleteConnection('conn_1');
    expect((await collect()).values).toEqual({
      'authpipe.cache.hits': 5,
      'authpipe.cache.misses': 1,
      'authpipe.cache.stale': 1,
      'authpipe.cache.evictions': 1,
      'authpipe.cache.size': 0,
      'authpipe.stream.live': 1,
    });
  });

  it('nothing of it is secret, or names a tenant, a user or a connection', async () => {
    await client.getCredential(REF);
    server.answer = () => problem(404, 'connection_not_found');
    await client.deleteTenant('org_acme').catch(() => undefined);
    await client.getSecret('conn_1', 'webhook').catch(() => undefined);
    const { text } = await collect();
    const spanText = JSON.stringify(
      spans
        .getFinishedSpans()
        .map(({ name, attributes, events, status }) => ({ name, attributes, events, status })),
    );
    for (const told of [text, spanText]) {
      for (const kept of [API_KEY, 'secret-token', 'org_acme', 'user_123', 'conn_1', 'webhook']) {
        expect(told).not.toContain(kept);
      }
    }
  });

  it('a closed client is measured no more', async () => {
    await client.getCredential(REF);
    await collect();
    client.close();
    // A metric that is observed no more keeps its last value: the client's own is 0 now.
    expect((await collect()).values).toMatchObject({ 'authpipe.cache.size': 1 });
  });
});
