import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A request on its way to the node. */
export interface ProxiedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly body: string;
}

/** What becomes of a request: answered here, or passed on with another body and its answer changed. Undefined: passed on as it is. */
export type Script = (
  request: ProxiedRequest,
) =>
  | { readonly status: number; readonly json: object }
  | { readonly body: string; change(answer: unknown): object }
  | undefined;

/** A proxy for a test, with faults that a real node shows only under load. */
export interface ScriptedProxy extends AsyncDisposable {
  readonly url: string;
  /** Takes effect with the next request. */
  script: Script;
}

/** Starts a proxy on a free port of the loopback, in front of a node. */
export async function startScriptedProxy(target: string): Promise<ScriptedProxy> {
  const server = createServer(async (request, response) => {
    const { method = 'GET', url: path = '/', headers } = request;
    const body = (await buffer(request)).toString();
    const action = proxy.script({ method, path, body });
    const product = { 'x-elastic-product': 'Elasticsearch', 'content-type': 'application/json' };
    if (action && 'status' in action) {
      response.writeHead(action.status, product).end(JSON.stringify(action.json));
      return;
    }
    const sent = action?.body ?? body;
    const accept = { accept: headers.accept ?? '*/*', connection: 'close' };
    const answer = await fetch(`${target}${path}`, {
      method,
      headers: { ...accept, 'content-type': headers['content-type'] ?? 'application/json' },
      ...(sent === '' ? {} : { body: sent }),
    });
    const text = await answer.text();
    response
      .writeHead(answer.status, product)
      .end(action ? JSON.stringify(action.change(JSON.parse(text))) : text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const proxy: ScriptedProxy = {
    url: `http://127.0.0.1:${port}`,
    script: () => undefined,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return proxy;
}
