import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { logger, metricsText } from '@ordermesh/telemetry';
import { type AdminReply, type AdminRoute, answerRoute } from './admin-route.ts';
import type { Lifecycle } from './lifecycle.ts';
import { type ReadinessChecks, readiness } from './readiness.ts';
import { listenError } from './startup-error.ts';

/** Requests in flight get this long when the server closes; then their sockets are cut. */
const closeGraceMs = 500;

export interface AdminOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** The variable that `port` came from, for the message when it is taken. */
  readonly portVariable: string;
  readonly life: Pick<Lifecycle, 'state'>;
  /** What must work for this process to be ready, by name. */
  readonly checks?: ReadinessChecks;
  /** Routes of this process beside the three fixed ones. */
  readonly routes?: readonly AdminRoute[];
}

/** A running admin server. Disposing ends it within half a second, whatever its clients do. */
export interface AdminServer extends AsyncDisposable {
  /** The port it really listens on. */
  readonly port: number;
}

/**
 * Serves, for operators and probes:
 * - `GET /livez`: 200 as long as the event loop turns. It looks at no dependency, since a restart would not mend one.
 * - `GET /readyz`: 200 when the process is ready and every check passes, else 503; the body names each check.
 * - `GET /metrics`: the Prometheus text.
 *
 * Open it first and close it last, so that `/readyz` says 503 while the rest drains.
 * @throws ListenError when the address can't be had
 */
export async function serveAdmin(options: AdminOptions): Promise<AdminServer> {
  const routes = [...fixedRoutes(options), ...(options.routes ?? [])];
  const log = logger('admin');
  const server = createServer((request, response) => {
    answerRoute(routes, request).then(
      (reply) => send(request, response, reply),
      (err: unknown) => {
        log.error({ err, path: request.url }, 'admin request failed');
        send(request, response, { status: 500, body: { error: 'internal error' } });
      },
    );
  });
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.asyncDispose]: () => close(server) };
}

function fixedRoutes({ life, checks = {} }: AdminOptions): AdminRoute[] {
  return [
    { method: 'GET', path: '/livez', handle: () => ({ status: 200, body: { status: 'alive' } }) },
    {
      method: 'GET',
      path: '/readyz',
      handle: async () => {
        const body = await readiness(life.state, checks);
        return { status: body.ready ? 200 : 503, body };
      },
    },
    {
      method: 'GET',
      path: '/metrics',
      handle: async () => ({
        status: 200,
        body: await metricsText(),
        contentType: 'text/plain; version=0.0.4; charset=utf-8',
      }),
    },
  ];
}

function listen(server: Server, { host, port, portVariable }: AdminOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', (error) => reject(listenError(error, { host, port, portVariable })));
  server.listen(port, host, resolve);
  return promise;
}

function send(request: IncomingMessage, response: ServerResponse, reply: AdminReply): void {
  const text = typeof reply.body === 'string' ? reply.body : `${JSON.stringify(reply.body)}\n`;
  response.writeHead(reply.status, {
    'content-type': reply.contentType ?? 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...reply.headers,
    // What is left of an oversized body is not worth reading.
    ...(request.complete ? {} : { connection: 'close' }),
  });
  response.end(text);
}

async function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cut = setTimeout(() => server.closeAllConnections(), closeGraceMs);
  server.close(() => resolve());
  server.closeIdleConnections();
  await promise;
  clearTimeout(cut);
}
