import { trace } from '@opentelemetry/api';
import pino from 'pino';
import { readLogConfig } from './config.ts';
import { loggedError } from './logged-error.ts';
import { prettyLine } from './pretty-line.ts';

/** Writes one line: `log.info('ready')` or `log.error({ err, orderId }, 'append failed')`. */
export interface LogFn {
  (message: string): void;
  (fields: object, message: string): void;
}

/**
 * JSON lines on stdout: `level`, `time` (ISO), `service`, `logger`, `msg`, the given fields, and `trace_id` and
 * `span_id` of the active span. An error goes under `err` and is written with stack and causes ({@link loggedError}). Lines are written
 * synchronously, so that the last one before an exit is not lost.
 */
export interface Logger {
  readonly trace: LogFn;
  readonly debug: LogFn;
  readonly info: LogFn;
  readonly warn: LogFn;
  readonly error: LogFn;
  readonly fatal: LogFn;
  /** A logger whose lines all carry these fields. */
  child(fields: Readonly<Record<string, unknown>>): Logger;
}

let root: pino.Logger | undefined;

/**
 * The logger of one part of a process. `LOG_LEVEL` says from which level on lines are written; `ORDERMESH_LOG=pretty`
 * makes them readable. The environment is read at the first call.
 */
export function logger(name: string): Logger {
  root ??= createRoot();
  return root.child({ logger: name });
}

function createRoot(): pino.Logger {
  const { level, pretty, serviceName } = readLogConfig();
  const options: pino.LoggerOptions = {
    level,
    base: { service: serviceName },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    mixin: activeSpanIds,
    serializers: { err: loggedError },
  };
  if (!pretty) return pino(options, pino.destination({ fd: 1, sync: true }));
  const stdout = pino.destination({ fd: 1, sync: true });
  return pino(options, { write: (line) => stdout.write(prettyLine(line)) });
}

function activeSpanIds(): object {
  const span = trace.getActiveSpan()?.spanContext();
  return span ? { trace_id: span.traceId, span_id: span.spanId } : {};
}
