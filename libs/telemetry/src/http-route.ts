import { context, trace } from '@opentelemetry/api';
import { getRPCMetadata, RPCType } from '@opentelemetry/core';
import { attribute } from './semantics.ts';

/**
 * Names the route template (`/v1/orders/{order_id}`) that the active HTTP request matched: it becomes the span's name
 * (`GET /v1/orders/{order_id}`), its `http.route`, and a label of `http.server.request.duration`. Call it inside the
 * handler; without an HTTP span it does nothing.
 */
export function setHttpRoute(route: string): void {
  const metadata = getRPCMetadata(context.active());
  if (metadata?.type !== RPCType.HTTP) return;
  metadata.route = route;
  trace.getActiveSpan()?.setAttribute(attribute.httpRoute, route);
}
