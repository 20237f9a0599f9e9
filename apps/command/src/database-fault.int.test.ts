import { SpanStatusCode } from '@opentelemetry/api';
import { clearMemorySpans, memorySpans } from '@ordermesh/telemetry';
import { databaseOutage, eventually } from '@ordermesh/testing';
import { expect, it } from 'vitest';
import { orderRequest, placed, refusal, rpc } from '../test/serve-command.ts';
import { command, database } from '../test/served-log.ts';

it('answers UNAVAILABLE with a time to come back while the log is gone, and goes on by itself', async () => {
  const orderId = await placed(command);
  const request = orderRequest();
  const outage = databaseOutage(database);
  await outage.begin();
  try {
    for (const call of [
      () => command.call(rpc.createOrder, request),
      () => command.call(rpc.confirmOrder, { orderId }),
      () => command.call(rpc.listOrderEvents, { orderId }),
      () => command.call(rpc.readLog, { partition: 0 }),
    ])
      expect(await refusal(call())).toMatchObject({
        reason: 'DEPENDENCY_UNAVAILABLE',
        code: 'UNAVAILABLE',
        retryAfterMs: 1000,
      });
    clearMemorySpans();
    await refusal(command.call(rpc.createOrder, request));
    const span = await eventually(
      () => memorySpans().find(({ name }) => name.startsWith('create ')) ?? false,
    );
    expect(span.status.code).toBe(SpanStatusCode.ERROR);
  } finally {
    await outage.end();
  }
  expect((await command.call(rpc.createOrder, request)).message.order?.version).toBe(1);
  expect((await command.call(rpc.confirmOrder, { orderId })).message.order?.version).toBe(2);
});

it('finds out what became of a command whose connection was lost, and answers truthfully', async () => {
  const request = orderRequest();
  const keyed = { metadata: { 'idempotency-key': 'lost-1' } };
  // Holds the lock that every append takes first, on a connection of its own.
  const holder = await command.pool.connect();
  let creating: ReturnType<typeof command.call>;
  try {
    await holder.query('SELECT pg_advisory_lock(7309475598860808551)');
    creating = command.call(rpc.createOrder, request, keyed);
    const waiting =
      "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'";
    const pid = await eventually(async () => (await holder.query(waiting)).rows[0]?.pid ?? false);
    await holder.query('SELECT pg_terminate_backend($1, 5000)', [pid]);
  } finally {
    holder.release(true); // its lock goes with it
  }
  const first = await creating;
  expect((await command.call(rpc.createOrder, request, keyed)).message).toEqual(first.message);
  expect(await command.store.readHistory(request.orderId, 0, 10)).toHaveLength(1);
});
