import type { DiagLogger } from '@opentelemetry/api';
import type { Logger } from './logger.ts';

const quietMs = 60_000;

/**
 * Takes the SDK's own complaints into the log, each message at most once a minute: with its collector away, a process
 * would otherwise log an error per batch, every five seconds.
 */
export function quietDiag(log: Logger, now: () => number = Date.now): DiagLogger {
  const lastAt = new Map<string, number>();
  const warn = (message: string, ...details: unknown[]) => {
    const at = now();
    if (at - (lastAt.get(message) ?? Number.NEGATIVE_INFINITY) < quietMs) return;
    if (lastAt.size >= 1000) lastAt.clear();
    lastAt.set(message, at);
    const err = details.find((detail) => detail instanceof Error);
    log.warn(err ? { err } : {}, `OpenTelemetry: ${message}`);
  };
  const nothing = () => {};
  return { error: warn, warn, info: nothing, debug: nothing, verbose: nothing };
}
