import type { AddressInfo } from 'node:net';
import type { DescMethodUnary } from '@bufbuild/protobuf';
import { listenError } from '@ordermesh/service';
import { createEdge } from './edge.ts';
import type { EdgeOptions } from './rest.ts';

/** Options of {@link serveEdge}. */
export interface ServeEdgeOptions extends EdgeOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** What is reachable. */
  readonly methods: readonly DescMethodUnary[];
  /** Until this resolves, disposal goes on accepting, with each answer the last one of its connection, so that clients go elsewhere. Default: at once. */
  readonly beforeDrain?: () => Promise<unknown>;
  /** How long running requests may take to end on disposal before their connections are cut; default 5,000 ms. */
  readonly drainMs?: number;
}

/** The listening edge. Disposal, after `beforeDrain`, accepts nothing new, lets running requests end, and cuts what outlasts `drainMs`. */
export interface EdgeServer extends AsyncDisposable {
  /** The port it really listens on. */
  readonly port: number;
}

/** @throws ListenError when the address can't be had */
export async function serveEdge(options: ServeEdgeOptions): Promise<EdgeServer> {
  const { host, port, beforeDrain, drainMs = 5_000 } = options;
  const app = createEdge(options.methods, options);
  let isDraining = false;
  // Before fastify's own hooks, which refuse some requests.
  app.server.prependListener('request', (_request, response) => {
    if (isDraining) response.setHeader('connection', 'close');
  });
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    throw listenError(error, { host, port, portVariable: 'GATEWAY_PORT' });
  }
  return {
    port: (app.server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      isDraining = true;
      await beforeDrain?.();
      // Node closes idle connections once; one that falls idle later would hold the server until its keep-alive ends.
      const idle = setInterval(() => app.server.closeIdleConnections(), 50);
      const cut = setTimeout(() => app.server.closeAllConnections(), drainMs);
      await app.close();
      clearInterval(idle);
      clearTimeout(cut);
    },
  };
}
