// For apps: what a main.ts and its handlers use. `@ordermesh/telemetry/register` is the preload (`node --import`).
// For libraries: spans, carried contexts and instruments.
export {
  activeTraceId,
  carry,
  contextFrom,
  linkFrom,
  type TraceCarrier,
  traceIdOf,
} from './carry.ts';
// For @ordermesh/service, which runs a process around them.
export { type LogLevel, logLevels } from './config.ts';
export { setHttpRoute } from './http-route.ts';
export { type InSpanOptions, inSpan, recordError, tracer } from './in-span.ts';
export {
  counter,
  gauge,
  type HistogramOptions,
  histogram,
  type InstrumentOptions,
  observeCounter,
  observeGauge,
} from './instruments.ts';
export { type LogFn, type Logger, logger } from './logger.ts';
// For tests.
export {
  clearMemorySpans,
  flushTelemetry,
  isRegistered,
  memorySpans,
  metricsText,
} from './running.ts';
export { selfCheck } from './self-check.ts';
export { attribute, linkMeaning, messagingSpanName } from './semantics.ts';
export { untraced } from './untraced.ts';
