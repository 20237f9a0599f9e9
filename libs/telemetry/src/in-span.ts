import {
  type Attributes,
  type Context,
  context,
  type Link,
  type Span,
  type SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { attribute } from './semantics.ts';

/** The tracer of all spans made by hand. A proxy: spans become real as soon as the SDK is registered. */
export const tracer = trace.getTracer('ordermesh');

export interface InSpanOptions {
  /** Default INTERNAL. */
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  readonly links?: readonly Link[];
  /** The context that holds the parent; default the active one. `ROOT_CONTEXT` starts a new trace. */
  readonly parent?: Context;
  /**
   * Says which errors are an answer rather than a fault (a refused command, a version conflict). Such an error sets
   * `error.type` only; the status stays unset, so that alerts on failed spans stay quiet. Default: every error is a fault.
   */
  readonly isExpected?: (error: unknown) => boolean;
}

/**
 * Runs `fn` with a new active span and ends the span when `fn` has settled. A thrown error is recorded on the span and
 * thrown on unchanged.
 */
export async function inSpan<T>(
  name: string,
  options: InSpanOptions,
  fn: (span: Span) => T | Promise<T>,
): Promise<T> {
  const { parent = context.active(), isExpected, links, ...rest } = options;
  const span = tracer.startSpan(name, links ? { ...rest, links: [...links] } : rest, parent);
  try {
    return await context.with(trace.setSpan(parent, span), fn, undefined, span);
  } catch (error) {
    recordError(span, error, isExpected?.(error) ?? false);
    throw error;
  } finally {
    span.end();
  }
}

/**
 * Notes an error on a span that the caller ends itself: `error.type` always; exception event and ERROR status unless
 * the error is `expected`.
 */
export function recordError(span: Span, error: unknown, expected = false): void {
  const known = error instanceof Error ? error : new Error(String(error));
  span.setAttribute(attribute.errorType, errorType(known));
  if (expected) return;
  span.recordException(known);
  span.setStatus({ code: SpanStatusCode.ERROR, message: known.message });
}

/** A stable code (`23505`, `ECONNREFUSED`, a reason) says more than a class name, where there is one. */
function errorType(error: Error & { code?: unknown }): string {
  return typeof error.code === 'string' ? error.code : error.name;
}
