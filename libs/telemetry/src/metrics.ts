import { diag } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import type { Resource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  InstrumentType,
  MeterProvider,
  MetricReader,
} from '@opentelemetry/sdk-metrics';

/** A meter provider and its scrape. */
export interface Metrics {
  readonly provider: MeterProvider;
  /** Everything measured so far in the Prometheus text format 0.0.4. */
  text(): Promise<string>;
}

/**
 * Metrics without a server of their own (the admin server answers the scrapes), hence the serializer of the Prometheus
 * exporter with a reader of ours.
 */
export function createMetrics(resource: Resource): Metrics {
  const reader = new ScrapeReader();
  const provider = new MeterProvider({ resource, readers: [reader] });
  // No scope labels: every series would carry the name of the library that made it, and joins would have to match it.
  const serializer = new PrometheusSerializer('', false, undefined, false, true);
  return {
    provider,
    text: async () => {
      const { resourceMetrics, errors } = await reader.collect();
      for (const error of errors) diag.warn('a metric could not be read', error);
      return `${serializer.serialize(resourceMetrics).trimEnd()}\n`;
    },
  };
}

/**
 * Cumulative, but for observed gauges: cumulative ones repeat the last value of a series for ever, so the lag of a
 * partition that went to another replica would never leave the scrape.
 */
class ScrapeReader extends MetricReader {
  constructor() {
    super({
      aggregationTemporalitySelector: (type) =>
        type === InstrumentType.OBSERVABLE_GAUGE
          ? AggregationTemporality.DELTA
          : AggregationTemporality.CUMULATIVE,
    });
  }
  protected override async onForceFlush() {}
  protected override async onShutdown() {}
}
