import type { DescService, JsonValue, Message } from '@bufbuild/protobuf';
import { openRateLimits, type RateLimits } from '@ordermesh/rate-limit';
import { loadShedder } from '@ordermesh/resilience';
import {
  type Access,
  type CallContext,
  type ConnectOptions,
  connect,
  type Implementation,
  implement,
  serveRpc,
} from '@ordermesh/rpc';
import { exposedMethods, exposedServices } from '../src/exposed.ts';
import { forwarder } from '../src/forward.ts';
import { peer } from '../src/peer.ts';
import type { ConnectionLimits, EdgeOptions } from '../src/rest.ts';
import { type EdgeServer, serveEdge } from '../src/serve-edge.ts';

/** What a stub method does: answers a message as its init shape, or throws. */
export type Answer = (request: Message & Record<string, never>, call: CallContext) => unknown;

/** One call that arrived behind the gateway. */
export interface SeenCall {
  readonly method: string;
  readonly request: Message;
  readonly idempotencyKey: readonly string[];
  readonly consistencyToken: readonly string[];
  readonly baggage: readonly string[];
  readonly remainingMs: number;
  readonly clientAddress: string;
  readonly authorization: readonly string[];
  readonly caller: CallContext['caller'];
}

/** A gateway in this process before a real grpc-js server whose methods a test scripts. */
export interface StubMesh extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly port: number;
  readonly edge: EdgeServer;
  /** Calls in arrival order; emptied by `script`. */
  readonly calls: SeenCall[];
  /** Sets what methods (`GetOrder`) do from now on; others throw. */
  script(answers: Readonly<Record<string, Answer>>): void;
  /** Sends a REST request; objects become JSON bodies. */
  send(method: string, path: string, options?: SendOptions): Promise<Reply>;
}

/** Options of `send`. */
export interface SendOptions {
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array<ArrayBuffer> | JsonValue;
}

/** An answer, with its body parsed if it is JSON. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  readonly json: any;
}

/** What AUTH=jwt gives the gateway, its channels and the services behind it. */
export interface StubAuth extends Pick<EdgeOptions, 'verifier'> {
  readonly access: Access | undefined;
  readonly identify: ConnectOptions['identify'];
}

/** Starts both; the services are the real definitions, so requests are validated as in production. */
export async function startStubMesh(
  options: {
    requestTimeoutMs?: number;
    drainMs?: number;
    beforeDrain?: () => Promise<unknown>;
    limits?: RateLimits;
    maxConcurrent?: number;
    connections?: ConnectionLimits;
    auth?: StubAuth;
  } = {},
): Promise<StubMesh> {
  const {
    requestTimeoutMs = 5_000,
    drainMs = 1_000,
    auth,
    beforeDrain = async () => undefined,
  } = options;
  const { limits = openRateLimits('gateway', undefined), maxConcurrent = 1_000 } = options;
  const shedder = loadShedder({ maxConcurrent, loopDelayMs: () => 0 });
  let answers: Readonly<Record<string, Answer>> = {};
  const calls: SeenCall[] = [];
  const handle = (method: string) => async (request: Message, call: CallContext) => {
    calls.push({
      method,
      request,
      idempotencyKey: call.metadata('idempotency-key'),
      consistencyToken: call.metadata('consistency-token'),
      baggage: call.metadata('baggage'),
      remainingMs: call.remainingMs(),
      clientAddress: call.clientAddress,
      authorization: call.metadata('authorization'),
      caller: call.caller,
    });
    const answer = answers[method];
    if (!answer) throw new Error(`no script for ${method}`);
    return answer(request as never, call);
  };
  const server = await serveRpc({
    host: '127.0.0.1',
    port: 0,
    portVariable: 'COMMAND_PORT',
    services: exposedServices.map((service) => scripted(service, handle)),
    requestTimeoutMs,
    reflection: false,
    access: auth?.access,
    drainMs: 200,
  });
  const channel = connect({
    address: `127.0.0.1:${server.port}`,
    serviceName: 'ordermesh-gateway',
    defaultTimeoutMs: requestTimeoutMs,
    identify: auth?.identify,
  });
  await channel.ready(AbortSignal.timeout(10_000));
  const methods = exposedMethods(exposedServices);
  const stub = peer('stub', channel, requestTimeoutMs);
  const peers = new Map(exposedServices.map((s) => [s.typeName, stub]));
  const edge = await serveEdge({
    host: '127.0.0.1',
    port: 0,
    methods,
    forward: forwarder(methods, peers, shedder),
    requestTimeoutMs,
    beforeDrain,
    drainMs,
    limits,
    verifier: auth?.verifier,
    trustedProxyCount: 1,
    ...(options.connections ? { connections: options.connections } : {}),
  });
  const url = `http://127.0.0.1:${edge.port}`;
  return {
    url,
    port: edge.port,
    edge,
    calls,
    script(next) {
      answers = next;
      calls.length = 0;
    },
    send: (method, path, init) => send(method, url + path, init),
    async [Symbol.asyncDispose]() {
      await edge[Symbol.asyncDispose]();
      await channel[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      shedder[Symbol.dispose]();
    },
  };
}

function scripted(
  service: DescService,
  handle: (method: string) => (request: Message, call: CallContext) => Promise<unknown>,
): Implementation {
  const handlers = service.methods.map(({ localName, name }) => [localName, handle(name)]);
  return implement(service, Object.fromEntries(handlers));
}

async function send(method: string, url: string, options: SendOptions = {}): Promise<Reply> {
  const { body } = options;
  const raw = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(url, {
    method,
    headers: {
      // Without it undici keeps connections that the drain would have to wait for.
      connection: 'close',
      ...(raw ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body: raw ? (body as string) : JSON.stringify(body) }),
    signal: AbortSignal.timeout(15_000),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') && text !== '';
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson ? JSON.parse(text) : undefined,
  };
}
