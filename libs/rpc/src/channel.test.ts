import { OrderQueryService } from '@ordermesh/contract';
import { eventually } from '@ordermesh/testing';
import { authority, issuedFiles } from '@ordermesh/testing/certificates';
import { describe, expect, onTestFinished, test } from 'vitest';
import { closed, failure, get, id } from '../test/served-query.ts';
import {
  connect,
  implement,
  openTransport,
  type RpcChannel,
  type RpcServer,
  serveRpc,
  type Transport,
} from './index.ts';

/** Restarts of each service. A hundred took a minute and lost no call either. */
const rounds = 3;

/** A service at an address that it keeps, however often it ends and begins again. */
async function backend(
  transport: Transport | undefined,
  { answerMs = 0, connectionAgeMs = 120_000 } = {},
) {
  const state = { port: 0, served: 0 };
  const refuse = () => Promise.reject(new Error('not scripted'));
  const start = async () => {
    const server = await serveRpc({
      host: '127.0.0.1',
      port: state.port,
      portVariable: 'QUERY_PORT',
      services: [
        implement(OrderQueryService, {
          async getOrder() {
            state.served++;
            if (answerMs > 0) await new Promise((resolve) => setTimeout(resolve, answerMs));
            return { order: { orderId: id } };
          },
          listOrders: refuse,
          searchOrders: refuse,
        }),
      ],
      requestTimeoutMs: 20_000,
      reflection: false,
      drainMs: 20_000,
      connectionAgeMs,
      ...(transport ? { transport } : {}),
    });
    state.port = server.port;
    return server;
  };
  let server: RpcServer | undefined = await start();
  const stop = async () => {
    await server?.[Symbol.asyncDispose]();
    server = undefined;
  };
  const again = async () => {
    server = await start();
  };
  closed({ [Symbol.asyncDispose]: stop });
  return { state, stop, again };
}

function channelTo(address: string, transport?: Transport) {
  const channel = connect({
    address,
    serviceName: 'test',
    defaultTimeoutMs: 20_000,
    ...(transport ? { transport: transport.to('query') } : {}),
  });
  closed(channel);
  return channel;
}

/** Calls without a pause, 32 at a time, until they are stopped. */
function callers(channel: RpcChannel) {
  const failed: unknown[] = [];
  let answered = 0;
  const done = new AbortController();
  const running = Array.from({ length: 32 }, async () => {
    while (!done.signal.aborted)
      await get(channel).then(
        () => answered++,
        (error: unknown) => failed.push(error),
      );
  });
  return {
    async stop() {
      done.abort();
      await Promise.all(running);
      return { answered, failed };
    },
  };
}

/** Plaintext and mutual TLS. */
async function transports(secure: boolean) {
  if (!secure) return {};
  const ca = await authority();
  const open = async (process: 'query' | 'gateway') => {
    const files = await issuedFiles(ca.certificate, await ca.issue(process));
    onTestFinished(() => files[Symbol.asyncDispose]());
    const transport = await openTransport(process, files);
    onTestFinished(() => transport[Symbol.dispose]());
    return transport;
  };
  return { server: await open('query'), client: await open('gateway') };
}

describe.each([
  ['in the clear', false],
  ['with TLS', true],
])('a channel %s', (_, secure) => {
  test('calls all addresses behind its target in turn', async () => {
    const { server, client } = await transports(secure);
    const [a, b] = await Promise.all([backend(server), backend(server)]);
    const channel = channelTo(`ipv4:127.0.0.1:${a.state.port},127.0.0.1:${b.state.port}`, client);
    await eventually(async () => {
      await get(channel);
      return a.state.served > 0 && b.state.served > 0;
    });
    const before = [a.state.served, b.state.served] as const;
    for (let i = 0; i < 20; i++) await get(channel);
    expect([a.state.served - before[0], b.state.served - before[1]]).toEqual([10, 10]);
  });

  test('takes a name to look up', async () => {
    const { server, client } = await transports(secure);
    const { state } = await backend(server);
    for (const target of ['dns:///127.0.0.1', 'dns:///localhost', 'localhost'])
      await get(channelTo(`${target}:${state.port}`, client));
    expect(state.served).toBe(3);
  });

  test('loses no call while its services end and begin again, one after the other', async () => {
    const { server, client } = await transports(secure);
    const backends = await Promise.all([
      backend(server, { answerMs: 2 }),
      backend(server, { answerMs: 2 }),
    ]);
    const channel = channelTo(
      `ipv4:${backends.map((one) => `127.0.0.1:${one.state.port}`)}`,
      client,
    );
    const load = callers(channel);
    for (let round = 0; round < rounds; round++)
      for (const { state, stop, again } of backends) {
        await stop();
        await again();
        const { served } = state;
        await eventually(() => state.served > served + 10, { withinMs: 60_000 });
      }
    const { answered, failed } = await load.stop();
    expect(failed).toEqual([]);
    // What a service took it answered, and nothing was called twice.
    expect(backends.reduce((sum, { state }) => sum + state.served, 0)).toBe(answered);
  });

  test('loses no call while its connections end by their age', async () => {
    const { server, client } = await transports(secure);
    const { state } = await backend(server, { answerMs: 2, connectionAgeMs: 20 });
    const load = callers(channelTo(`127.0.0.1:${state.port}`, client));
    await eventually(() => state.served > 500 * rounds, { withinMs: 60_000 });
    const { answered, failed } = await load.stop();
    expect(failed).toEqual([]);
    expect(state.served).toBe(answered);
  });
});

test('a channel finds a service that has come back within seconds', async () => {
  const { state, stop, again } = await backend(undefined);
  const channel = channelTo(`127.0.0.1:${state.port}`);
  await get(channel);
  await stop();
  expect((await failure(get(channel))).reason).toBe('DEPENDENCY_UNAVAILABLE');
  await again();
  await eventually(() => get(channel));
});
