import { StartError } from '../errors/start-error.js';
import type { Environment } from './read-variable.js';

/** Where metrics are pushed to, and how often. */
export interface OtlpTarget {
  /** Secret: some collectors have a token in their address. */
  readonly url: string;
  readonly intervalMillis: number;
}

const DEFAULT_INTERVAL_MILLIS = 60_000;

const checkUrl = (name: string, value: string): string => {
  const protocol = URL.parse(value)?.protocol ?? '';
  if (/^https?:$/.test(protocol)) return value;
  throw new StartError(`${name} must be a URL such as http://collector:4318.`);
};

/**
 * What OpenTelemetry's own variables say of metrics; `null` where none names an endpoint.
 * @throws StartError that names the variable
 * @see https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
export const readOtlpTarget = (environment: Environment): OtlpTarget | null => {
  const { OTEL_SDK_DISABLED, OTEL_METRICS_EXPORTER, OTEL_METRIC_EXPORT_INTERVAL: interval } = environment;
  const { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: own, OTEL_EXPORTER_OTLP_ENDPOINT: general } = environment;
  if (OTEL_SDK_DISABLED?.toLowerCase() === 'true' || OTEL_METRICS_EXPORTER === 'none') return null;
  if (interval && !/^[1-9]\d{2,7}$/.test(interval)) {
    throw new StartError('OTEL_METRIC_EXPORT_INTERVAL must be a whole number of milliseconds, 100 or more.');
  }
  const intervalMillis = interval ? Number(interval) : DEFAULT_INTERVAL_MILLIS;
  if (own) return { url: checkUrl('OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', own), intervalMillis };
  if (!general) return null;
  const base = checkUrl('OTEL_EXPORTER_OTLP_ENDPOINT', general).replace(/\/+$/, '');
  return { url: `${base}/v1/metrics`, intervalMillis };
};
