import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Gauge } from 'prom-client';
import { readOtlpTarget } from '../src/config/read-otlp-target.js';
import { createMetrics } from '../src/metrics/create-metrics.js';
import { exportOtlp } from '../src/metrics/export-otlp.js';
import { recordingLog } from './support/connect-world.js';
import { testClock } from './support/world.js';

interface Point {
  readonly attributes: readonly { key: string; value: { stringValue: string } }[];
  readonly asDouble?: number;
  readonly count?: number;
  readonly sum?: number;
  readonly bucketCounts?: readonly number[];
  readonly explicitBounds?: readonly number[];
}

interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly sum?: { readonly isMonotonic: boolean; readonly dataPoints: readonly Point[] };
  readonly gauge?: { readonly dataPoints: readonly Point[] };
  readonly histogram?: { readonly dataPoints: readonly Point[] };
}

/** A collector on a port of its own. */
const startCollector = async () => {
  const bodies: { path: string; body: string }[] = [];
  let status = 200;
  const server: Server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += String(part);
    bodies.push({ path: request.url ?? '', body });
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    answerWith: (next: number) => {
      status = next;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};

describe('metrics that are pushed to a collector', () => {
  let collector: Awaited<ReturnType<typeof startCollector>>;
  beforeEach(async () => {
    collector = await startCollector();
  });
  afterEach(() => collector.close());

  const start = () => {
    const { lines, log } = recordingLog();
    const metrics = createMetrics();
    const target = readOtlpTarget({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    if (!target) throw new Error('no target');
    const otlp = exportOtlp(target, {
      ...{ registry: metrics.registry, clock: testClock(), log, version: '1.2.3' },
    });
    const told = () => lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
    return { metrics, otlp, lines, log, told };
  };
  const resources = () =>
    collector.bodies.flatMap(
      ({ body }) => (JSON.parse(body) as { resourceMetrics: never[] }).resourceMetrics,
    ) as {
      resource: { attributes: Point['attributes'] };
      scopeMetrics: { metrics: Metric[] }[];
    }[];
  const metricsOf = () =>
    resources().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
  const attributesOf = ({ attributes }: Pick<Point, 'attributes'>) =>
    Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]));

  it('are the same as in /metrics: counters, gauges and histograms with their buckets', async () => {
    const { metrics, otlp } = start();
    const request = { provider: 'okta', operation: 'refresh', result: 'ok' } as const;
    for (const seconds of [0.04, 0.3, 0.3, 60]) metrics.observeProviderRequest({ ...request, seconds });
    await otlp.stop();

    expect(collector.bodies.map(({ path }) => path)).toEqual(['/v1/metrics']);
    const named = (name: string) => metricsOf().find((metric) => metric.name === name);
    const counter = named('authpipe_provider_requests_total')?.sum;
    expect(counter?.isMonotonic).toBe(true);
    expect(counter?.dataPoints.map((point) => [attributesOf(point), point.asDouble])).toEqual([[request, 4]]);
    const histogram = named('authpipe_provider_request_seconds');
    expect(histogram?.unit).toBe('s');
    const [point] = histogram?.histogram?.dataPoints ?? [];
    expect(point).toMatchObject({ count: 4, sum: 60.64 });
    expect(attributesOf(point as Point)).toEqual({ provider: 'okta', operation: 'refresh' });
    expect(point?.explicitBounds?.slice(0, 4)).toEqual([0.05, 0.1, 0.25, 0.5]);
    // Each bucket counts its own, the last one what is above all bounds.
    expect(point?.bucketCounts).toEqual([1, 0, 0, 2, 0, 0, 0, 0, 0, 1]);
    expect(named('process_resident_memory_bytes')?.gauge?.dataPoints).toHaveLength(1);
    const names = await metrics.registry.getMetricsAsJSON();
    expect(metricsOf().map(({ name }) => name)).toEqual(names.map(({ name }) => name));
  });

  it('say which process of which version they are of', async () => {
    const { otlp } = start();
    await otlp.stop();
    const [resource] = resources();
    expect(attributesOf({ attributes: resource?.resource.attributes ?? [] })).toMatchObject({
      'service.name': 'authpipe',
      'service.version': '1.2.3',
      'service.instance.id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  it('are told once in the log when the collector refuses them, and once when it takes them again', async () => {
    const { otlp, lines, told } = start();
    collector.answerWith(400);
    await otlp.push();
    await otlp.push();
    expect(told()).toEqual(['the collector does not take metrics']);
    expect(lines.join()).not.toContain(collector.url);
    collector.answerWith(200);
    await otlp.push();
    await otlp.push();
    expect(told()).toEqual(['the collector does not take metrics', 'the collector takes metrics again']);
    await otlp.stop();
  });

  it('reach the collector while the database is away, and do not blame it for that', async () => {
    const { metrics, otlp, log, told } = start();
    const away = () => Promise.reject(new Error('the database is away'));
    metrics.watch(
      {
        ...{
          ping: away,
          countConnections: away,
          countIntegrations: away,
          readDueWork: away,
          readAuditLag: away,
          webhookFigures: away,
        },
        ...{ webhookResults: () => new Map(), isRefreshFrozen: () => false },
        eventDelivery: () => ({ isListening: true, streams: 0 }),
      },
      { log },
    );
    await otlp.push();
    const up = metricsOf().find(({ name }) => name === 'authpipe_database_up');
    expect(up?.gauge?.dataPoints).toMatchObject([{ asDouble: 0 }]);
    expect(told()).toEqual(['metrics can not be read from the database']);
    await otlp.stop();
  });

  it('that can not be read are told in the log as such, once, and no fault of the collector', async () => {
    const { metrics, otlp, told } = start();
    let isBroken = true;
    new Gauge({
      ...{ name: 'authpipe_broken', help: 'Breaks.', registers: [metrics.registry] },
      collect: () => {
        if (isBroken) throw new Error('broken');
      },
    });
    await otlp.push();
    await otlp.push();
    expect(told()).toEqual(['the metrics for the collector can not be read']);
    expect(collector.bodies).toEqual([]);
    isBroken = false;
    await otlp.stop();
    expect(collector.bodies).toHaveLength(1);
    expect(told()).toHaveLength(1);
  });
});

describe('where metrics are pushed to', () => {
  it('is nowhere unless an endpoint is named', () => {
    expect(readOtlpTarget({})).toBeNull();
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
    expect(readOtlpTarget({ ...endpoint, OTEL_SDK_DISABLED: 'true' })).toBeNull();
    expect(readOtlpTarget({ ...endpoint, OTEL_METRICS_EXPORTER: 'none' })).toBeNull();
  });

  it('is the path of metrics at the endpoint, or the whole address that is given for them', () => {
    const general = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' };
    expect(readOtlpTarget(general)).toEqual({
      url: 'http://collector:4318/v1/metrics',
      intervalMillis: 60_000,
    });
    const own = { ...general, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'https://metrics.example.com/in' };
    expect(readOtlpTarget({ ...own, OTEL_METRIC_EXPORT_INTERVAL: '5000' })).toEqual({
      ...{ url: 'https://metrics.example.com/in', intervalMillis: 5_000 },
    });
  });

  it.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'planted-host:4318'],
    ['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', 'ftp://planted-token@collector'],
    ['OTEL_METRIC_EXPORT_INTERVAL', '5s'],
  ])('is refused where %s is not what it should be, without its value', (name, value) => {
    const read = () => readOtlpTarget({ [name]: value });
    expect(read).toThrow(name);
    expect(read).not.toThrow(value);
  });
});
