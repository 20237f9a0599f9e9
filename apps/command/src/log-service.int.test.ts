import { randomUUID } from 'node:crypto';
import { fromBinary } from '@bufbuild/protobuf';
import { header, OrderCancelledSchema, partitionOf } from '@ordermesh/contract';
import type { EventToAppend } from '@ordermesh/event-sourcing';
import { describe, expect, it } from 'vitest';
import { damage } from '../test/damage.ts';
import { partitions, refusal, rpc } from '../test/serve-command.ts';
import { command } from '../test/served-log.ts';

const read = async (partition: number, after = 0n, limit = 0) =>
  (await command.call(rpc.readLog, { partition, after, limit })).message.messages;

function orderIn(partition: number): string {
  for (;;) {
    const id = randomUUID();
    if (partitionOf(id, partitions) === partition) return id;
  }
}

const event = (reason = 'again'): EventToAppend => ({
  eventId: randomUUID(),
  type: 'OrderCancelled',
  schemaVersion: 1,
  occurredAt: new Date(),
  data: JSON.stringify({ reason }),
  actor: { subject: 'somebody', service: '' },
  correlationId: null,
  causationId: null,
  traceparent: null,
  tracestate: null,
});

/** Appends a stream of its own to a partition and returns its id. */
async function append(partition: number, events: readonly EventToAppend[]): Promise<string> {
  const streamId = orderIn(partition);
  await command.store.append({ streamId, expected: 'any', events });
  return streamId;
}

describe('GetLogPoint', () => {
  it('tells the log and the event at a position, and none beyond the end', async () => {
    await append(9, [event()]);
    const { rows } = await command.pool.query(
      'SELECT position, event_id, log_id FROM events, log ORDER BY position DESC LIMIT 1',
    );
    const [last] = rows;
    const position = BigInt(last.position);
    const { message } = await command.call(rpc.getLogPoint, { position });
    expect(message).toMatchObject({ logId: last.log_id, eventId: last.event_id });
    for (const none of [0n, position + 1n, 2n ** 62n]) {
      const answer = await command.call(rpc.getLogPoint, { position: none });
      expect(answer.message).toMatchObject({ logId: last.log_id, eventId: '' });
    }
    expect((await refusal(command.call(rpc.getLogPoint, { position: -1n }))).reason).toBe(
      'INVALID_REQUEST',
    );
  });
});

describe('ReadLog', () => {
  it('serves one partition from a position on, as the bus carries it', async () => {
    const [mine, other] = [3, 4];
    const first = await append(mine, [event('one')]);
    await append(other, [event()]);
    const second = await append(mine, [event('two'), event('three')]);

    const messages = await read(mine);
    expect(messages.map(({ key }) => key)).toEqual([first, second, second]);
    const reasons = messages.map(({ value }) => fromBinary(OrderCancelledSchema, value).reason);
    expect(reasons).toEqual(['one', 'two', 'three']);
    const [, , last] = messages;
    expect(last?.headers).toMatchObject({
      ce_type: 'ordermesh.order.v1.OrderCancelled',
      ce_subject: second,
      ce_sequence: '2',
      'ordermesh-position': String(last?.position),
    });
    expect(await read(mine, messages[0]?.position)).toEqual([
      expect.objectContaining({ position: messages[1]?.position }),
      last,
    ]);
    expect(await read(mine, last?.position)).toEqual([]);
  });

  it('numbers the chain from the position that was asked for', async () => {
    await append(5, [event(), event(), event()]);
    const all = await read(5);
    const chain = all.map(({ headers }) => BigInt(headers[header.prev] ?? -1));
    expect(chain).toEqual([0n, ...all.slice(0, -1).map(({ position }) => position)]);
    const [tail] = await read(5, all[1]?.position);
    expect(tail?.headers[header.prev]).toBe(String(all[1]?.position));
  });

  it('serves at most so many: 100 unless told, 500 if asked for more than that it refuses', async () => {
    await append(
      6,
      Array.from({ length: 120 }, () => event()),
    );
    expect(await read(6)).toHaveLength(100);
    expect(await read(6, 0n, 7)).toHaveLength(7);
    expect(await read(6, 0n, 500)).toHaveLength(120);
    expect((await refusal(read(6, 0n, 501))).reason).toBe('INVALID_REQUEST');
  });

  it('ends an answer at 2 MB, but never before its first event', async () => {
    const large = () => event('x'.repeat(250_000));
    await append(7, Array.from({ length: 10 }, large));
    const first = await read(7);
    expect(first.map(({ value }) => value.length)).toHaveLength(7);
    const rest = await read(7, first.at(-1)?.position);
    expect(rest).toHaveLength(3);
    expect(rest[0]?.headers[header.prev]).toBe(String(first.at(-1)?.position));
  });

  it('serves an event that cannot be encoded raw, with the reason', async () => {
    const orderId = await append(8, [event(), event()]);
    await damage(command.pool, orderId, 1, `type = 'OrderLost'`);
    const [raw, next] = await read(8);
    expect(raw?.headers[header.error]).toBe('UNKNOWN_EVENT_TYPE');
    expect(Buffer.from(raw?.value ?? []).toString()).toBe('{"reason": "again"}');
    expect(next?.headers[header.error]).toBeUndefined();
  });

  it.each([
    ['partition', -1, 0n],
    ['partition', partitions, 0n],
    ['after', 0, -1n],
  ])('refuses a %s out of bounds (%s, %s)', async (field, partition, after) => {
    const error = await refusal(read(partition, after));
    expect(error).toMatchObject({ reason: 'INVALID_REQUEST', code: 'INVALID_ARGUMENT' });
    expect(error.fields).toContainEqual(expect.objectContaining({ field }));
  });

  it('knows the last partition', async () => {
    expect(await read(partitions - 1)).toEqual([]);
  });
});
