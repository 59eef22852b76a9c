import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import {
  detectResources,
  envDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources';
import type { MetricData, PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { Registry } from 'prom-client';
import type { Clock } from '../clock.js';
import type { OtlpTarget } from '../config/read-otlp-target.js';
import { errorSummary } from '../errors/error-summary.js';
import type { Logger } from '../log/logger.js';
import { readMetricData } from './otlp-points.js';

export interface ExportOtlpDependencies {
  readonly registry: Registry;
  /** The machine's own: collectors compare it with theirs. */
  readonly clock: Clock;
  readonly log: Logger;
  readonly version: string;
}

const toHrTime = (date: Date): [number, number] => {
  const millis = date.getTime();
  return [Math.floor(millis / 1000), (millis % 1000) * 1_000_000];
};

/**
 * Pushes what `/metrics` has to an OpenTelemetry collector, as OTLP in JSON over HTTP. Headers, timeout and resource are
 * read from OpenTelemetry's own variables. A collector that is away is told in the log once, and holds nothing up.
 */
export const exportOtlp = (
  { url, intervalMillis }: OtlpTarget,
  { registry, clock, log, version }: ExportOtlpDependencies,
): { push: () => Promise<void>; stop: () => Promise<void> } => {
  const startTime = toHrTime(clock.now());
  const resource = resourceFromAttributes({ 'service.name': 'authpipe', 'service.version': version }).merge(
    detectResources({ detectors: [serviceInstanceIdDetector, envDetector] }),
  );
  const exporter: PushMetricExporter = new OTLPMetricExporter({ url });
  let isAway = false;
  let isUnread = false;

  /** `null` where they can't be read, which is no fault of the collector's. */
  const read = async (): Promise<MetricData[] | null> => {
    try {
      const metrics = await readMetricData(registry, { startTime, endTime: toHrTime(clock.now()) });
      isUnread = false;
      return metrics;
    } catch (error) {
      if (!isUnread)
        log.error({ error: errorSummary(error) }, 'the metrics for the collector can not be read');
      isUnread = true;
      return null;
    }
  };

  const send = async (metrics: MetricData[]): Promise<void> => {
    const scopeMetrics = [{ scope: { name: '@authpipe/server', version }, metrics }];
    await new Promise<void>((resolve, reject) => {
      exporter.export({ resource, scopeMetrics }, ({ error, code }) =>
        code === 0 ? resolve() : reject(error ?? new Error('refused')),
      );
    });
  };

  const pushOnce = async (): Promise<void> => {
    const metrics = await read();
    if (metrics === null) return;
    try {
      await send(metrics);
      if (isAway) log.info('the collector takes metrics again');
      isAway = false;
    } catch (error) {
      // Its address may hold a token, and so may the words of the library: the kind of error is enough.
      if (!isAway) log.warn({ error: errorSummary(error) }, 'the collector does not take metrics');
      isAway = true;
    }
  };

  let pushing: Promise<void> | null = null;
  /** One at a time: a collector that is slow is not sent more. */
  const push = (): Promise<void> => {
    pushing ??= pushOnce().finally(() => {
      pushing = null;
    });
    return pushing;
  };

  const timer = setInterval(() => void push(), intervalMillis).unref();
  return {
    push,
    /** Sends what there is once more, unless the collector is away. */
    async stop() {
      clearInterval(timer);
      if (!isAway) await push();
      await exporter.shutdown();
    },
  };
};
