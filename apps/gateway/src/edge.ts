import type { DescMethodUnary } from '@bufbuild/protobuf';
import { ReasonError } from '@ordermesh/contract';
import { activeTraceId, carry, setHttpRoute } from '@ordermesh/telemetry';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { admit } from './admit.ts';
import { allowedMethods, type KnownPath } from './allowed-methods.ts';
import { mountConnect } from './connect/mount-connect.ts';
import { refuseContentEncoding } from './headers/media-type.ts';
import { isConditional } from './headers/precondition.ts';
import {
  letClientFinish,
  maxBodyBytes,
  maxUrlLength,
  translated,
  urlTooLong,
} from './problem/framework-error.ts';
import { answerParserError } from './problem/parser-error.ts';
import { problemOf } from './problem/problem.ts';
import { publicError } from './problem/public-error.ts';
import { type ConnectionLimits, type EdgeOptions, mountRest } from './rest.ts';
import { restRoutes } from './transcoder/rest-routes.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** `performance.now()` when the request's headers were read. */
    arrivedAt: number;
    /** Address that the request is limited by. */
    client: string;
    /** Verified; undefined while authentication is off. */
    token: string | undefined;
  }
  interface FastifyContextConfig {
    /** The route's name on spans and metrics; unmatched paths have none, or callers could make as many series as they like. */
    httpRoute?: string;
    /** What it calls; absent where there is no route. (`method` is fastify’s own.) */
    rpc?: DescMethodUnary;
  }
}

const usualLimits: ConnectionLimits = {
  headersMs: 10_000,
  requestMs: 15_000,
  stalledMs: 30_000,
  maxConnections: 10_000,
};

/**
 * The HTTP server of the edge, with all its routes but not yet listening. Every answer that is not a success is problem+json, or the error of
 * the protocol where a Connect or gRPC-Web client asked; nothing that fastify or Node would say by itself gets out.
 */
export function createEdge(
  methods: readonly DescMethodUnary[],
  options: EdgeOptions,
): FastifyInstance {
  const { headersMs, requestMs, stalledMs, maxConnections } = options.connections ?? usualLimits;
  const app = fastify({
    bodyLimit: maxBodyBytes,
    requestTimeout: requestMs,
    connectionTimeout: stalledMs,
    // Longer than the 60 s of usual load balancers, which otherwise send into a connection that closes.
    keepAliveTimeout: 65_000,
    http: {
      headersTimeout: headersMs,
      // Node looks every 30 s only, so that slow clients would hold their connections four times as long.
      connectionsCheckingInterval: headersMs / 10,
      maxHeaderSize: 16 * 1024,
    },
    routerOptions: { maxParamLength: maxUrlLength },
    // While draining, requests on open connections are still answered; their connections close after.
    return503OnClosing: false,
    frameworkErrors: sendProblem,
    clientErrorHandler: answerParserError,
  });
  app.server.maxConnections = maxConnections;
  app.decorateRequest('arrivedAt', 0);
  app.decorateRequest('client', '');
  app.decorateRequest('token', undefined);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', async (request, reply) => {
    request.arrivedAt = performance.now();
    const { httpRoute } = request.routeOptions.config;
    if (httpRoute) setHttpRoute(httpRoute);
    reply.headers(commonHeaders());
    await admit(request, reply, options);
    refuseContentEncoding(request.headers['content-encoding']);
    if (isTooLong(request)) throw urlTooLong();
  });
  app.setErrorHandler(sendProblem);

  const routes = restRoutes(methods);
  mountRest(app, routes, options);
  mountConnect(app, methods, options);
  const paths: KnownPath[] = [
    ...routes.map(({ verb, template }) => ({ verb, template })),
    ...methods.map(({ parent, name }) => ({
      verb: 'POST' as const,
      path: `/${parent.typeName}/${name}`,
    })),
  ];
  app.setNotFoundHandler((request, reply) => noRoute(paths, request, reply));
  return app;
}

function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const shown = publicError(translated(error));
  const problem = problemOf(shown, {
    instance: pathOf(request),
    traceId: activeTraceId(),
    conditional: isConditional(request.headers),
    ...(isTooLong(request) ? { status: 414 } : {}),
  });
  letClientFinish(shown, reply);
  reply
    .code(problem.status)
    .headers({ ...commonHeaders(), ...problem.headers })
    .send(Buffer.from(problem.body));
}

function noRoute(
  known: readonly KnownPath[],
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const allow = allowedMethods(known, pathOf(request));
  if (allow === undefined) throw new ReasonError('ROUTE_NOT_FOUND', 'There is no such route.');
  reply.header('allow', allow);
  if (request.method === 'OPTIONS') return reply.code(204).send();
  throw new ReasonError('METHOD_NOT_ALLOWED', `Only ${allow} are possible here.`);
}

/** W3C trace context level 2: tells the client under which span its request ran. */
function commonHeaders(): Record<string, string> {
  const { traceparent } = carry();
  return {
    'x-content-type-options': 'nosniff',
    ...(traceparent === '' ? {} : { traceresponse: traceparent }),
  };
}

function pathOf({ raw }: FastifyRequest): string {
  return (raw.url ?? '').split('?', 1)[0] as string;
}

function isTooLong({ raw }: FastifyRequest): boolean {
  return (raw.url?.length ?? 0) > maxUrlLength;
}
