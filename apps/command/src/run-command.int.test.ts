import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { carry, clearMemorySpans, inSpan, memorySpans, traceIdOf } from '@ordermesh/telemetry';
import { eventually } from '@ordermesh/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { damage } from '../test/damage.ts';
import { orderRequest, placed, refusal, rpc } from '../test/serve-command.ts';
import { command } from '../test/served-log.ts';

beforeEach(() => clearMemorySpans());

const createSpan = () =>
  eventually(() => {
    const found = memorySpans().filter(({ name }) => name === 'create ordermesh.order.events.v1');
    expect(found).toHaveLength(1);
    return found[0] as (typeof found)[0];
  });

describe('the trace of a command', () => {
  it('goes from the caller to the `create` span, whose context is stored with the event', async () => {
    const request = orderRequest();
    const traceId = await inSpan('caller', {}, async () => {
      await command.call(rpc.createOrder, request);
      return traceIdOf(carry().traceparent);
    });
    const span = await createSpan();
    const [stored] = await command.store.readHistory(request.orderId, 0, 1);
    const { spanId } = span.spanContext();
    expect(stored?.traceparent).toBe(`00-${traceId}-${spanId}-01`);
    expect(span.kind).toBe(SpanKind.PRODUCER);
    expect(span.attributes).toMatchObject({
      'messaging.operation.name': 'create',
      'messaging.destination.name': 'ordermesh.order.events.v1',
      'ordermesh.order.id': request.orderId,
    });
    // Its parent is the server's span, not the caller's.
    const server = memorySpans().find(
      (one) => one.spanContext().spanId === span.parentSpanContext?.spanId,
    );
    expect(server).toMatchObject({
      kind: SpanKind.SERVER,
      name: 'ordermesh.order.v1.OrderCommandService/CreateOrder',
    });
  });

  it('shows a refusal as an answer, not as a fault', async () => {
    const orderId = await placed(command);
    clearMemorySpans();
    await refusal(command.call(rpc.deliverOrder, { orderId }));
    const span = await createSpan();
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
    expect(span.attributes['error.type']).toBe('FAILED_PRECONDITION');
  });
});

describe('a damaged stream', () => {
  /** Damages an order that nobody has in memory: what is, was read before. */
  const damaged = async (...[orderId, version, set]: [string, number, string]) => {
    await damage(command.pool, orderId, version, set);
    command.aggregate.cache.clear();
  };

  it.each([
    ['a first event that is not OrderCreated', 1, `type = 'OrderPaid', data = '{"amount":{}}'`],
    ['an event that may not follow', 2, `type = 'OrderDelivered', data = '{}'`],
    ['an unknown type', 2, `type = 'OrderLost'`],
    ['a future schema', 2, 'schema_version = 9'],
    ['data that is no such event', 2, `data = '{"secret":"4711"}'`],
    ['a gap in its versions', 2, 'version = 7'],
  ])('of %s is INTERNAL without detail', async (_, version, set) => {
    const orderId = await placed(command);
    await command.call(rpc.confirmOrder, { orderId });
    await damaged(orderId, version, set);
    const error = await refusal(command.call(rpc.cancelOrder, { orderId, reason: '' }));
    expect(error).toMatchObject({ code: 'INTERNAL', metadata: {}, fields: [] });
    expect(error.message).toBe('Internal error; the trace id leads to its log line.');
    clearMemorySpans();
  });

  it('does not hold others up', async () => {
    const orderId = await placed(command);
    await damaged(orderId, 1, `type = 'OrderLost'`);
    await refusal(command.call(rpc.confirmOrder, { orderId }));
    const healthy = await placed(command);
    expect(
      (await command.call(rpc.confirmOrder, { orderId: healthy })).message.order?.version,
    ).toBe(2);
  });
});
