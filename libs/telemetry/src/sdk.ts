// Imported dynamically by register.ts only, after the instrumented libraries are patched.
import { context, DiagLogLevel, diag, metrics, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import type { Instrumentation } from '@opentelemetry/instrumentation';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  BatchSpanProcessor,
  type SpanExporter,
  type SpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { TelemetryConfig } from './config.ts';
import { attachObservations } from './instruments.ts';
import { logger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { quietDiag } from './quiet-diag.ts';
import { setRunning } from './running.ts';
import { observeRuntime } from './runtime-metrics.ts';
import { createSampler } from './sampler.ts';
import { selfCheck } from './self-check.ts';
import { createSpanMemory } from './span-memory.ts';

/**
 * Starts tracing and metrics as configured and makes them the global ones. The tracer provider is installed in any
 * case, so that every request has a trace id to answer and log with; an endpoint only adds the exporter.
 */
export async function startSdk(
  config: TelemetryConfig,
  instrumentations: readonly Instrumentation[],
): Promise<void> {
  const log = logger('telemetry');
  diag.setLogger(quietDiag(log), DiagLogLevel.WARN);
  for (const warning of config.warnings) log.warn(warning);

  const resource = resourceFromAttributes({
    ...config.resourceAttributes,
    'service.name': config.serviceName,
  });
  const memory = createSpanMemory({ fromStart: config.memory });
  const tracerProvider = new TracerProvider({
    resource,
    sampler: config.disabled
      ? new AlwaysOffSampler()
      : createSampler(config.sampler, config.samplerRatio),
    // A relay's send links to each of its messages, up to 500; the SDK keeps 128.
    spanLimits: { linkCountLimit: 512 },
    spanProcessors: config.disabled ? [] : [memory.processor, ...(await createExporting(config))],
  });

  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  // Trace context only: baggage from outside would be carried, unread, to every process.
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(tracerProvider);
  for (const instrumentation of instrumentations) instrumentation.setTracerProvider(tracerProvider);

  const ownMetrics = config.disabled ? undefined : createMetrics(resource);
  if (ownMetrics) {
    metrics.setGlobalMeterProvider(ownMetrics.provider);
    for (const instrumentation of instrumentations) {
      instrumentation.setMeterProvider(ownMetrics.provider);
    }
    attachObservations();
    observeRuntime();
  }

  setRunning({
    flush: (timeoutMs) => flush(tracerProvider, timeoutMs),
    metricsText: async () => ownMetrics?.text() ?? '# telemetry is disabled (OTEL_SDK_DISABLED)\n',
    memorySpans: () => memory.spans(),
    clearMemorySpans: () => memory.clear(),
  });

  if (!(await selfCheck())) {
    log.error(
      'grpc-js was imported before its instrumentation: calls between processes are not traced',
    );
  }
}

async function createExporting(config: TelemetryConfig): Promise<SpanProcessor[]> {
  if (!config.otlp) return [];
  const exporter = await createOtlpExporter(config.otlp);
  return [new BatchSpanProcessor({ exporter, ...config.batch })];
}

/** Endpoint, headers, timeout and compression are read from `OTEL_EXPORTER_OTLP_*` by the exporter. */
async function createOtlpExporter(encoding: 'http/json' | 'http/protobuf'): Promise<SpanExporter> {
  const { OTLPTraceExporter } =
    encoding === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter();
}

async function flush(provider: TracerProvider, timeoutMs: number): Promise<boolean> {
  const { promise: timedOut, resolve } = Promise.withResolvers<boolean>();
  // Our own timer as well: the exporter's retries do not look at the flush's timeout.
  const timer = setTimeout(resolve, timeoutMs, false);
  const sent = provider.forceFlush({ timeoutMillis: timeoutMs }).then(
    () => true,
    (error: unknown) => {
      diag.warn('traces could not be flushed', error);
      return false;
    },
  );
  try {
    return await Promise.race([sent, timedOut]);
  } finally {
    clearTimeout(timer);
  }
}
