import type { TokenVerifier } from '@ordermesh/auth';
import { ReasonError } from '@ordermesh/contract';
import type { RateLimits } from '@ordermesh/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { startCall } from './call.ts';
import type { Forward } from './forward.ts';
import { alreadyHas } from './headers/entity-tag.ts';
import { answerHeaders } from './headers/forwarded.ts';
import { isJson } from './headers/media-type.ts';
import { expectedVersion } from './headers/precondition.ts';
import { withJsonNames } from './problem/json-names.ts';
import { jsonAnswer } from './transcoder/json-answer.ts';
import { expandTemplate, routerPath } from './transcoder/path-template.ts';
import { restRequest } from './transcoder/rest-request.ts';
import type { RestRoute } from './transcoder/rest-routes.ts';

/** How long slow clients are waited for, in milliseconds, before their connections are closed, and how many connections there may be. */
export interface ConnectionLimits {
  /** For a request's headers. */
  readonly headersMs: number;
  /** For a whole request. */
  readonly requestMs: number;
  /** For a client that neither sends nor reads its answer. */
  readonly stalledMs: number;
  /** Further ones are closed at once. */
  readonly maxConnections: number;
}

/** What the protocols at the edge share. */
export interface EdgeOptions {
  readonly forward: Forward;
  /** Deadline of requests that name none, and the most that they can ask for. */
  readonly requestTimeoutMs: number;
  readonly limits: RateLimits;
  /** Undefined while authentication is off: then everybody is let through, and no token is passed on. */
  readonly verifier?: TokenVerifier | undefined;
  /** Proxies in front of the gateway that add to `X-Forwarded-For`. */
  readonly trustedProxyCount: number;
  /** 10 s for headers, 15 s for a request, 30 s of standing still, 10,000 connections by default. */
  readonly connections?: ConnectionLimits;
}

/** Puts the REST routes on the server. HEAD comes with every GET. */
export function mountRest(
  app: FastifyInstance,
  routes: readonly RestRoute[],
  options: EdgeOptions,
): void {
  for (const route of routes)
    app.route({
      method: route.verb,
      url: routerPath(route.template),
      config: { httpRoute: route.template.text, rpc: route.method },
      handler: (request, reply) => answer(route, request, reply, options),
    });
}

async function answer(
  route: RestRoute,
  request: FastifyRequest,
  reply: FastifyReply,
  { forward, requestTimeoutMs }: EdgeOptions,
): Promise<FastifyReply> {
  const call = startCall(request, reply.raw, requestTimeoutMs);
  const message = restRequest(route, {
    path: pathValues(request),
    search: searchOf(request),
    body: jsonBody(request),
    expectedVersion: expectedVersion(route, request.headers),
  });
  const bodyField = typeof route.body === 'object' ? route.body.name : undefined;
  const result = await forward(route.method, message, call).catch((error: unknown) => {
    throw withJsonNames(error, bodyField);
  });
  const headers = answerHeaders(result.headers);
  const location = route.location && expandTemplate(route.location, result.message);
  if (location) headers.location = location;
  // Views may be kept if they are checked by ETag each time; what a command answered is nobody's to keep.
  const revalidates = route.verb === 'GET' && headers.etag !== undefined;
  headers['cache-control'] = revalidates ? 'private, no-cache' : 'no-store';
  reply.headers(headers);
  const ifNoneMatch = request.headers['if-none-match'];
  if (revalidates && ifNoneMatch !== undefined && alreadyHas(ifNoneMatch, headers.etag as string))
    return reply.code(304).send();
  return reply
    .code(route.status)
    .header('content-type', 'application/json')
    .send(Buffer.from(jsonAnswer(route.method.output, result.message)));
}

function pathValues(request: FastifyRequest): readonly string[] {
  const values = Object.values(request.params as Record<string, string>);
  // The router lets a parameter be empty: `/v1/orders/` is not an order.
  if (values.includes('')) throw new ReasonError('ROUTE_NOT_FOUND', 'There is no such route.');
  return values;
}

function searchOf({ raw }: FastifyRequest): string {
  const mark = raw.url?.indexOf('?') ?? -1;
  return mark < 0 ? '' : (raw.url as string).slice(mark + 1);
}

function jsonBody({ body, headers }: FastifyRequest): Uint8Array {
  if (!Buffer.isBuffer(body) || body.length === 0) return Buffer.alloc(0);
  if (isJson(headers['content-type'])) return body;
  throw new ReasonError(
    'UNSUPPORTED_MEDIA_TYPE',
    'The body must be sent as application/json in UTF-8.',
  );
}
