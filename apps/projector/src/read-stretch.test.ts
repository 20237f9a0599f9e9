import { OrderLogService, type ReadLogRequest } from '@ordermesh/contract';
import { orderMessages } from '@ordermesh/read-model/testing';
import { connect, implement, serveRpc } from '@ordermesh/rpc';
import { expect, it } from 'vitest';
import { readLogPointFrom, readStretchFrom } from './read-stretch.ts';

const point = { logId: 'the log', eventId: 'the event' };

it('reads messages as the bus would have carried them', async () => {
  const [first, second] = orderMessages({ later: ['OrderConfirmed'] });
  const requests: ReadLogRequest[] = [];
  const service = implement(OrderLogService, {
    getLogPoint: async ({ position }) => (position === 8n ? point : { ...point, eventId: '' }),
    async readLog(request) {
      requests.push(request);
      const messages = [first, second].flatMap((message) => message ?? []);
      return {
        messages: messages.map(({ position, key, value, headers }) => ({
          position,
          key,
          value,
          headers: { ...headers },
        })),
      };
    },
  });
  await using server = await serveRpc({
    host: '127.0.0.1',
    port: 0,
    portVariable: 'COMMAND_PORT',
    services: [service],
    requestTimeoutMs: 20_000,
    reflection: false,
  });
  await using channel = connect({
    address: `127.0.0.1:${server.port}`,
    serviceName: 'ordermesh-projector',
    defaultTimeoutMs: 20_000,
  });
  const partition = first?.partition ?? 0;
  const read = readStretchFrom(channel);
  const messages = await read(partition, 7n, new AbortController().signal);
  expect(requests).toMatchObject([{ partition, after: 7n, limit: 500 }]);
  expect(messages.map((one) => ({ ...one, value: Buffer.from(one.value) }))).toEqual(
    [first, second].map((one) => ({ ...one, value: Buffer.from(one?.value ?? []) })),
  );
  const readPoint = readLogPointFrom(channel);
  const { signal } = new AbortController();
  expect(await readPoint(8n, signal)).toEqual(point);
  expect(await readPoint(9n, signal)).toEqual({ ...point, eventId: undefined });
  const gone = AbortSignal.abort(new Error('the partition is lost'));
  await expect(read(partition, 7n, gone)).rejects.toMatchObject({ reason: 'CANCELLED' });
});
