import { randomUUID } from 'node:crypto';
import { toBinary } from '@bufbuild/protobuf';
import { CreateOrderResponseSchema, PayOrderResponseSchema } from '@ordermesh/contract';
import { describe, expect, it } from 'vitest';
import { orderRequest, placed, refusal, rpc } from '../test/serve-command.ts';
import { command } from '../test/served-log.ts';

const keyed = (key: string) => ({ metadata: { 'idempotency-key': key } });
const total = { currencyCode: 'USD', minorUnits: 2500n };
const pay = (orderId: string, key: string, changes: object = {}, on = command) =>
  on.call(rpc.payOrder, { orderId, paymentId: 'pay-1', amount: total, ...changes }, keyed(key));
const versions = async (orderId: string) =>
  (await command.store.readHistory(orderId, 0, 100)).map(({ version }) => version);

/** Everything that a caller sees of a PayOrder. */
const seen = ({ message, headers }: Awaited<ReturnType<typeof pay>>) => ({
  bytes: Buffer.from(toBinary(PayOrderResponseSchema, message)).toString('hex'),
  etag: headers.get('etag'),
  token: headers.get('consistency-token'),
});

describe('a command with an idempotency key', () => {
  it('is answered the same bytes again, and done once', async () => {
    const orderId = await placed(command);
    const key = randomUUID();
    const first = seen(await pay(orderId, key));
    expect(seen(await pay(orderId, key))).toEqual(first);
    expect(await versions(orderId)).toEqual([1, 2]);
  });

  it('is answered as it was although the order has moved on', async () => {
    const orderId = await placed(command);
    const key = randomUUID();
    const first = seen(await pay(orderId, key));
    await command.call(rpc.shipOrder, { orderId, trackingNumber: 'TRACK-1' });
    await command.call(rpc.deliverOrder, { orderId });
    expect(seen(await pay(orderId, key))).toEqual(first);
    expect(first.etag).toBe('"2"');
    expect(await versions(orderId)).toEqual([1, 2, 3, 4]);
  });

  it('is answered as it was although its expected version is gone', async () => {
    const orderId = await placed(command);
    const key = randomUUID();
    const first = seen(await pay(orderId, key, { expectedVersion: 1 }));
    expect(seen(await pay(orderId, key, { expectedVersion: 1 }))).toEqual(first);
  });

  it('creates one order when it comes twenty times at once without an id', async () => {
    const request = orderRequest({ orderId: '' });
    const key = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => command.call(rpc.createOrder, request, keyed(key))),
    );
    const bytes = answers.map(({ message }) =>
      Buffer.from(toBinary(CreateOrderResponseSchema, message)).toString('hex'),
    );
    expect(new Set(bytes).size).toBe(1);
    expect(await versions(answers[0]?.message.order?.orderId ?? '')).toEqual([1]);
  });

  it.each([
    ['another field', { paymentId: 'pay-2' }],
    ['an expected version', { expectedVersion: 1 }],
  ])('is refused with %s: IDEMPOTENCY_KEY_REUSED', async (_, changes) => {
    const orderId = await placed(command);
    const key = randomUUID();
    await pay(orderId, key);
    expect(await refusal(pay(orderId, key, changes))).toMatchObject({
      reason: 'IDEMPOTENCY_KEY_REUSED',
      code: 'ALREADY_EXISTS',
    });
    expect(await versions(orderId)).toEqual([1, 2]);
  });

  it('is refused for another order that could take it: IDEMPOTENCY_KEY_REUSED', async () => {
    const [orderId, other] = [await placed(command), await placed(command)];
    const key = randomUUID();
    await pay(orderId, key);
    expect((await refusal(pay(other, key))).reason).toBe('IDEMPOTENCY_KEY_REUSED');
    expect(await versions(other)).toEqual([1]);
  });

  it('does not share its key with another method', async () => {
    const orderId = await placed(command);
    const key = randomUUID();
    await command.call(rpc.confirmOrder, { orderId }, keyed(key));
    await pay(orderId, key);
    expect(await versions(orderId)).toEqual([1, 2, 3]);
  });

  it('keeps its key when it is refused', async () => {
    const orderId = await placed(command);
    const key = randomUUID();
    const ship = () =>
      command.call(rpc.shipOrder, { orderId, trackingNumber: 'TRACK-1' }, keyed(key));
    expect((await refusal(ship())).reason).toBe('ORDER_NOT_PAID');
    await pay(orderId, randomUUID());
    expect((await ship()).message.order?.version).toBe(3);
  });

  it.each([
    ['an empty one', ''],
    ['a blank within', 'a b'],
    ['256 characters', 'x'.repeat(256)],
    ['two values', ['a', 'b']],
  ])('is refused with a malformed key: %s', async (_, key) => {
    const request = orderRequest();
    const metadata = { 'idempotency-key': key };
    const error = await refusal(command.call(rpc.createOrder, request, { metadata }));
    expect(error).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: [expect.objectContaining({ field: 'idempotency-key' })],
    });
    expect(await versions(request.orderId)).toEqual([]);
  });

  it('takes keys of 255 visible characters', async () => {
    await command.call(rpc.createOrder, orderRequest(), keyed('!~'.repeat(127) + randomUUID()[0]));
  });
});
