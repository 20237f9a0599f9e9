import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { create } from '@bufbuild/protobuf';
import {
  ConfirmOrderRequestSchema,
  GetOrderRequestSchema,
  OrderCommandService,
  OrderQueryService,
} from '@ordermesh/contract';
import { loadShedder } from '@ordermesh/resilience';
import { connect } from '@ordermesh/rpc';
import { expect, test } from 'vitest';
import { forwarder } from '../src/forward.ts';
import { peer } from '../src/peer.ts';

const orderId = '3f0c6a52-1d52-4a0c-8f5c-9a1f6f0b2c11';
const { confirmOrder } = OrderCommandService.method;
const { getOrder } = OrderQueryService.method;
const signal = new AbortController().signal;

/** The reasons of a command without a key, one with a key, and a read, forwarded to an address. */
async function reasonsAt(address: string) {
  await using channel = connect({ address, serviceName: 'test', defaultTimeoutMs: 2_000 });
  using shedder = loadShedder({ maxConcurrent: 10, loopDelayMs: () => 0 });
  const one = peer('command', channel, 2_000);
  const peers = new Map([OrderCommandService, OrderQueryService].map((s) => [s.typeName, one]));
  const forward = forwarder([confirmOrder, getOrder], peers, shedder);
  const call = (metadata = {}) => ({ metadata, signal, remainingMs: () => 2_000 });
  const confirm = create(ConfirmOrderRequestSchema, { orderId });
  const attempts = [
    forward(confirmOrder, confirm, call()),
    forward(confirmOrder, confirm, call({ 'idempotency-key': 'k' })),
    forward(getOrder, create(GetOrderRequestSchema, { orderId }), call()),
  ];
  const outcomes = await Promise.allSettled(attempts);
  return outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.reason);
}

test('a command whose connection is lost under it may have happened, and without a key its client hears so', async () => {
  const server = createServer();
  server.on('stream', ({ session }) => session?.destroy());
  server.on('sessionError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    expect(await reasonsAt(`127.0.0.1:${port}`)).toEqual([
      'OUTCOME_UNKNOWN',
      'DEPENDENCY_UNAVAILABLE',
      'DEPENDENCY_UNAVAILABLE',
    ]);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test('a command that was never sent has not happened', async () => {
  expect(await reasonsAt('127.0.0.1:1')).toEqual(Array(3).fill('DEPENDENCY_UNAVAILABLE'));
});
