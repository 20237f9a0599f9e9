import type { ReadableSpan } from '@opentelemetry/sdk-trace';

/** The registered SDK, as seen by the rest of this library without importing the SDK (register.ts says why). */
export interface RunningTelemetry {
  flush(timeoutMs: number): Promise<boolean>;
  metricsText(): Promise<string>;
  memorySpans(): readonly ReadableSpan[];
  clearMemorySpans(): void;
}

let running: RunningTelemetry | undefined;

/** @private for register.ts */
export function setRunning(telemetry: RunningTelemetry): void {
  running = telemetry;
}

/** Whether the SDK is registered in this process. */
export function isRegistered(): boolean {
  return running !== undefined;
}

/**
 * Sends what is buffered to the exporter. Answers false when that failed or took longer than `timeoutMs` (default 3 s);
 * it never rejects: a process that ends must not hang on its collector.
 */
export async function flushTelemetry(timeoutMs = 3000): Promise<boolean> {
  return running?.flush(timeoutMs) ?? true;
}

/** All metrics in the Prometheus text format 0.0.4; a comment line when the SDK is not registered or is disabled. */
export async function metricsText(): Promise<string> {
  return running ? running.metricsText() : '# telemetry is not registered\n';
}

/**
 * The finished spans, oldest first. They are kept from the first call of this function or of {@link clearMemorySpans}
 * on, or from the start with `OTEL_MEMORY=1`. For tests: nothing bounds their number.
 */
export function memorySpans(): readonly ReadableSpan[] {
  return running?.memorySpans() ?? [];
}

/** Forgets the finished spans and keeps the coming ones; a test calls it first, to see its own only. */
export function clearMemorySpans(): void {
  running?.clearMemorySpans();
}
