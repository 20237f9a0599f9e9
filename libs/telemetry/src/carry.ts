import {
  type Attributes,
  type Context,
  context,
  type Link,
  ROOT_CONTEXT,
  trace,
} from '@opentelemetry/api';
import { parseTraceParent, W3CTraceContextPropagator } from '@opentelemetry/core';

/**
 * A W3C trace context in the two strings that headers, columns and messages carry. Both are empty when there is
 * nothing to carry, so that a column or header can be filled without a case distinction.
 */
export interface TraceCarrier {
  readonly traceparent: string;
  readonly tracestate: string;
}

const nothing: TraceCarrier = { traceparent: '', tracestate: '' };

// Used directly instead of through the global propagator: stored contexts are W3C whatever a process configures, and
// they must survive in a process that runs without the SDK.
const w3c = new W3CTraceContextPropagator();

/** The active span's context (or that of `from`) as strings. Both are empty when no span is active or tracing is suppressed. */
export function carry(from: Context = context.active()): TraceCarrier {
  const carrier: { traceparent?: string; tracestate?: string } = {};
  w3c.inject(from, carrier, {
    set: (target, key, value) => {
      target[key as keyof TraceCarrier] = value;
    },
  });
  if (carrier.traceparent === undefined) return nothing;
  return { traceparent: carrier.traceparent, tracestate: carrier.tracestate ?? '' };
}

/**
 * A context whose active span is the remote one that `traceparent` names, on top of `base` (default: the root context,
 * so that nothing of the caller's own trace leaks in). A missing or malformed `traceparent` yields `base` itself.
 */
export function contextFrom(
  traceparent: string | null | undefined,
  tracestate?: string | null,
  base: Context = ROOT_CONTEXT,
): Context {
  if (!traceparent) return base;
  return w3c.extract(
    base,
    { traceparent, tracestate: tracestate || undefined },
    {
      get: (carrier, key) => carrier[key as keyof typeof carrier],
      keys: (carrier) => Object.keys(carrier),
    },
  );
}

/** A span link to a carried context, or `undefined` when it is missing or malformed. */
export function linkFrom(
  traceparent: string | null | undefined,
  tracestate?: string | null,
  attributes?: Attributes,
): Link | undefined {
  const spanContext = trace.getSpanContext(contextFrom(traceparent, tracestate));
  if (!spanContext) return undefined;
  return attributes ? { context: spanContext, attributes } : { context: spanContext };
}

/** The 32 hex digits of the trace id in a `traceparent`, or `undefined` when it is missing or malformed. */
export function traceIdOf(traceparent: string | null | undefined): string | undefined {
  return traceparent ? parseTraceParent(traceparent)?.traceId : undefined;
}

/** The active span's trace id, or `undefined` when no span is active. */
export function activeTraceId(): string | undefined {
  return trace.getActiveSpan()?.spanContext().traceId;
}
