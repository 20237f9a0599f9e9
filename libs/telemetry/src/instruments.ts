import {
  type Attributes,
  type Counter,
  type Gauge,
  type Histogram,
  type Meter,
  metrics,
  type ObservableCallback,
} from '@opentelemetry/api';

/**
 * Instruments that may be made at module level, before or without the SDK. The metrics API has no proxies (unlike the
 * trace API): an instrument made before `setGlobalMeterProvider` stays a no-op for ever. So each one here binds on use,
 * and binds again when the provider has changed.
 *
 * Names are dotted (`ordermesh.relay.pending`); Prometheus shows them with underscores and adds `_total` to counters.
 * Units are UCUM (`s`, `By`, `{event}`) and are not part of the Prometheus name.
 */
export interface InstrumentOptions {
  /** What it measures, one sentence: the HELP line. */
  readonly description: string;
  readonly unit?: string;
}

export interface HistogramOptions extends InstrumentOptions {
  /** Upper bounds of the buckets. Default for unit `s`: 5 ms to 10 s as in the HTTP conventions; else the SDK's. */
  readonly boundaries?: readonly number[];
}

const durationBoundaries = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

const ourMeter = (): Meter => metrics.getMeter('ordermesh');

/** A number that only grows. */
export function counter(name: string, options: InstrumentOptions): Pick<Counter, 'add'> {
  const bound = lazily((meter) => meter.createCounter(name, options));
  return { add: (value, attributes) => bound().add(value, attributes) };
}

/** The last recorded value. For a value that can be asked for at any time {@link observeGauge} is cheaper. */
export function gauge(name: string, options: InstrumentOptions): Pick<Gauge, 'record'> {
  const bound = lazily((meter) => meter.createGauge(name, options));
  return { record: (value, attributes) => bound().record(value, attributes) };
}

/** A distribution. Durations are in seconds. */
export function histogram(name: string, options: HistogramOptions): Pick<Histogram, 'record'> {
  const { boundaries = options.unit === 's' ? durationBoundaries : undefined, ...rest } = options;
  const described = boundaries
    ? { ...rest, advice: { explicitBucketBoundaries: [...boundaries] } }
    : rest;
  const bound = lazily((meter) => meter.createHistogram(name, described));
  return { record: (value, attributes) => bound().record(value, attributes) };
}

/**
 * A value asked for at each scrape. `read` gets a function to report with, once per attribute set; it may be async, but
 * must answer quickly, since it delays the scrape. Disposing ends the reports.
 */
export function observeGauge(
  name: string,
  options: InstrumentOptions,
  read: (report: (value: number, attributes?: Attributes) => void) => void | Promise<void>,
): Disposable {
  return observe((meter) => meter.createObservableGauge(name, options), read);
}

/** As {@link observeGauge}, for a total that only grows. */
export function observeCounter(
  name: string,
  options: InstrumentOptions,
  read: (report: (value: number, attributes?: Attributes) => void) => void | Promise<void>,
): Disposable {
  return observe((meter) => meter.createObservableCounter(name, options), read);
}

type Observable = {
  addCallback(cb: ObservableCallback): void;
  removeCallback(cb: ObservableCallback): void;
};

const observations = new Set<() => void>();

function observe(
  create: (meter: Meter) => Observable,
  read: (report: (value: number, attributes?: Attributes) => void) => void | Promise<void>,
): Disposable {
  const callback: ObservableCallback = (result) =>
    read((value, attributes) => result.observe(value, attributes));
  let instrument: Observable | undefined;
  const attach = () => {
    instrument?.removeCallback(callback);
    instrument = create(ourMeter());
    instrument.addCallback(callback);
  };
  observations.add(attach);
  attach();
  return {
    [Symbol.dispose]: () => {
      observations.delete(attach);
      instrument?.removeCallback(callback);
    },
  };
}

/**
 * Attaches all observed values to the provider that has just become the global one.
 * @private for sdk.ts
 */
export function attachObservations(): void {
  for (const attach of observations) attach();
}

function lazily<T>(create: (meter: Meter) => T): () => T {
  let provider: unknown;
  let instrument: T;
  return () => {
    const current = metrics.getMeterProvider();
    if (current !== provider) {
      provider = current;
      instrument = create(ourMeter());
    }
    return instrument;
  };
}
