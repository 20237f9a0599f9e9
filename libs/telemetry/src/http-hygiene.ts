import type { Attributes, Link, Span } from '@opentelemetry/api';
import type { HttpInstrumentationConfig } from '@opentelemetry/instrumentation-http';
import { linkFrom } from './carry.ts';
import { attribute, linkMeaning } from './semantics.ts';

const adminPaths = new Set(['/livez', '/readyz', '/metrics']);

/**
 * What the HTTP instrumentation may record. Probes and scrapes make no spans. Query strings hold search words, names and
 * e-mail addresses, and addresses are personal too (`client.address` is taken from forgeable headers at that), so none
 * of them gets onto a span, incoming or outgoing.
 *
 * With `trustInbound` false a caller's `traceparent` does not become the parent: the span starts a new trace and links
 * to the caller's.
 */
export function httpHygiene(options: {
  readonly trustInbound: boolean;
}): HttpInstrumentationConfig {
  const untrusted = new WeakMap<object, Link>();
  return {
    ignoreIncomingRequestHook: (request) => adminPaths.has(pathOf(request.url)),
    startIncomingSpanHook: (request) => {
      // This hook is the last stop before the headers are read for a parent context.
      if (!options.trustInbound) {
        const link = takeCallersContext(request.headers);
        if (link) untrusted.set(request, link);
      }
      return withheld;
    },
    requestHook: (span: Span, request) => {
      const link = untrusted.get(request);
      if (link) span.addLink(link);
    },
    startOutgoingSpanHook: (request) => {
      const host = request.hostname ?? request.host ?? 'localhost';
      const port = request.port ? `:${request.port}` : '';
      return {
        [attribute.urlFull]: `${request.protocol ?? 'http:'}//${host}${port}${pathOf(request.path)}`,
      };
    },
  };
}

// The SDK drops attributes whose value is undefined, so naming them here removes them.
const withheld: Attributes = {
  [attribute.urlQuery]: undefined,
  [attribute.clientAddress]: undefined,
  [attribute.networkPeerAddress]: undefined,
  [attribute.networkPeerPort]: undefined,
};

function takeCallersContext(headers: NodeJS.Dict<string | string[]>): Link | undefined {
  const { traceparent, tracestate } = headers;
  delete headers.traceparent;
  delete headers.tracestate;
  if (typeof traceparent !== 'string') return undefined;
  return linkFrom(traceparent, typeof tracestate === 'string' ? tracestate : undefined, {
    [attribute.link]: linkMeaning.untrustedParent,
  });
}

function pathOf(url: string | null | undefined): string {
  const path = url ?? '/';
  const query = path.indexOf('?');
  return query < 0 ? path : path.slice(0, query);
}
