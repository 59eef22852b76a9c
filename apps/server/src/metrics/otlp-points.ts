import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import type { MetricObjectWithValues, MetricValueWithName, Registry } from 'prom-client';

type Labels = MetricValueWithName<string>['labels'];
type Read = MetricObjectWithValues<MetricValueWithName<string>>;

/** From when the values count, and until when. */
export interface Period {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
}

/** Names end in their unit, as Prometheus wants it; OpenTelemetry has a field for it. @see UCUM */
const unitOf = (name: string): string =>
  name.endsWith('_seconds') ? 's' : name.endsWith('_bytes') ? 'By' : '1';

const attributesOf = ({ le: _bound, ...labels }: Labels & { le?: string | number }): Attributes => labels;

/** The buckets of one set of labels, as they were read: each counts all below its bound. */
const toHistogram = (values: readonly MetricValueWithName<string>[]): Histogram => {
  const suffixed = (suffix: string) => values.filter(({ metricName }) => metricName?.endsWith(suffix));
  const buckets = suffixed('_bucket');
  const count = suffixed('_count')[0]?.value ?? 0;
  const finite = buckets.filter(({ labels }) => labels.le !== '+Inf');
  const upTo = [...finite.map(({ value }) => value), count];
  return {
    buckets: {
      boundaries: finite.map(({ labels }) => Number(labels.le)),
      counts: upTo.map((total, index) => total - (upTo[index - 1] ?? 0)),
    },
    sum: suffixed('_sum')[0]?.value ?? 0,
    count,
  };
};

const histogramPoints = (values: Read['values'], period: Period): DataPoint<Histogram>[] => {
  const groups = new Map<string, MetricValueWithName<string>[]>();
  for (const each of values) {
    const key = JSON.stringify(Object.entries(attributesOf(each.labels)).sort());
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()].map((group) => ({
    ...period,
    attributes: attributesOf(group[0]?.labels ?? {}),
    value: toHistogram(group),
  }));
};

/** A metric of Prometheus' registry as OpenTelemetry has it; summaries have no counterpart, and there are none. */
export const toMetricData = (metric: Read, period: Period): MetricData => {
  const { name, help: description, type, values } = metric;
  const descriptor = { name, description, unit: unitOf(name), valueType: ValueType.DOUBLE };
  const common = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE };
  // As `prom-client` writes it; its types say a number.
  if (String(type) === 'histogram') {
    return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints: histogramPoints(values, period) };
  }
  const dataPoints = values.map(({ value, labels }) => ({
    ...period,
    attributes: attributesOf(labels),
    value,
  }));
  return String(type) === 'counter'
    ? { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
    : { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
};

/** All that a registry has. */
export const readMetricData = async (registry: Registry, period: Period): Promise<MetricData[]> =>
  ((await registry.getMetricsAsJSON()) as Read[]).map((metric) => toMetricData(metric, period));
