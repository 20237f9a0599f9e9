import { constants, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { closed, failure, get } from '../test/served-query.ts';
import { connect, mayHaveArrived } from './index.ts';

/** A server that refuses the first `refusals` calls unread, as one does that is ending a connection, and answers the others with an empty message. */
async function refusing(refusals: number) {
  const server = createServer();
  let calls = 0;
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    if (++calls <= refusals) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc' },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.alloc(5));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closed({
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  });
  const channel = connect({
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    serviceName: 'test',
    defaultTimeoutMs: 20_000,
  });
  closed(channel);
  return { channel, calls: () => calls };
}

// Twice is what grpc-js itself does about it.
test('a call that was refused unread several times is sent until it is taken', async () => {
  const { channel, calls } = await refusing(5);
  await get(channel);
  expect(calls()).toBe(6);
});

test('a call that is always refused unread fails before long, and certainly did nothing', async () => {
  const { channel, calls } = await refusing(Number.POSITIVE_INFINITY);
  const seen = await failure(get(channel));
  expect(seen.reason).toBe('DEPENDENCY_UNAVAILABLE');
  expect(mayHaveArrived(seen)).toBe(false);
  expect(calls()).toBe(10);
});
