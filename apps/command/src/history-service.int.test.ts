import { randomUUID } from 'node:crypto';
import { anyUnpack, timestampDate } from '@bufbuild/protobuf/wkt';
import {
  eventSchemas,
  isEventType,
  type OrderCreated,
  type OrderEvent,
  pageTokens,
} from '@ordermesh/contract';
import type { EventToAppend } from '@ordermesh/event-sourcing';
import { carry, inSpan, traceIdOf } from '@ordermesh/telemetry';
import { describe, expect, it } from 'vitest';
import { damage } from '../test/damage.ts';
import { orderRequest, placed, refusal, rpc } from '../test/serve-command.ts';
import { command } from '../test/served-log.ts';

const page = async (orderId: string, pageSize = 0, pageToken = '') =>
  (await command.call(rpc.listOrderEvents, { orderId, pageSize, pageToken })).message;

/** An order of so many events; all but the first are alike, which only matters to those who fold them. */
async function longOrder(events: number): Promise<string> {
  const orderId = await placed(command);
  const cancelled = (): EventToAppend => ({
    eventId: randomUUID(),
    type: 'OrderCancelled',
    schemaVersion: 1,
    occurredAt: new Date(),
    data: '{"reason":"again"}',
    actor: { subject: 'somebody', service: '' },
    correlationId: null,
    causationId: null,
    traceparent: null,
    tracestate: null,
  });
  const more = Array.from({ length: events - 1 }, cancelled);
  await command.store.append({ streamId: orderId, expected: 1, events: more });
  return orderId;
}

const versions = (events: readonly OrderEvent[]) => events.map(({ version }) => version);

describe('ListOrderEvents', () => {
  it('shows what happened, when, by whom, in which trace', async () => {
    const { orderId, ...fields } = orderRequest();
    const traceId = await inSpan('caller', {}, async () => {
      await command.call(rpc.createOrder, { orderId, ...fields });
      return traceIdOf(carry().traceparent);
    });
    await command.call(rpc.cancelOrder, { orderId, reason: 'changed my mind' });
    const { events, nextPageToken } = await page(orderId);
    expect(nextPageToken).toBe('');
    expect(events).toHaveLength(2);
    const stored = await command.store.readHistory(orderId, 0, 2);
    for (const [index, event] of events.entries()) {
      const { eventId, version, position, type, occurredAt } = stored[index] as (typeof stored)[0];
      expect(event).toMatchObject({ eventId, version, position, type });
      expect(event.actor).toMatchObject({ subject: 'anonymous', service: 'ordermesh-test' });
      expect(event.occurredAt && timestampDate(event.occurredAt)).toEqual(occurredAt);
    }
    expect(events[0]?.traceId).toBe(traceId);
    expect(events[1]?.traceId).toMatch(/^[0-9a-f]{32}$/);
    const [created, cancelled] = events.map(unpacked);
    expect(created as OrderCreated).toMatchObject({
      customerId: fields.customerId,
      total: { currencyCode: 'USD', minorUnits: 2500n },
    });
    expect(cancelled).toMatchObject({ reason: 'changed my mind' });
  });

  it('shows an event that cannot be read any more without its data, and the others whole', async () => {
    const orderId = await placed(command);
    await command.call(rpc.confirmOrder, { orderId });
    await damage(command.pool, orderId, 1, `data = '{"total": 5}'`);
    const { events } = await page(orderId);
    expect(events.map(({ type, data }) => [type, data !== undefined])).toEqual([
      ['OrderCreated', false],
      ['OrderConfirmed', true],
    ]);
  });

  it('takes ids in any case', async () => {
    const orderId = await placed(command);
    expect((await page(orderId.toUpperCase())).events).toHaveLength(1);
  });

  it('shows every event once, page by page', async () => {
    const orderId = await longOrder(7);
    const seen: number[][] = [];
    for (let pageToken = ''; ; ) {
      const { events, nextPageToken } = await page(orderId, 3, pageToken);
      seen.push(versions(events));
      if (nextPageToken === '') break;
      pageToken = nextPageToken;
    }
    expect(seen).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
  });

  it('ends without a token when the last page is full', async () => {
    const orderId = await longOrder(4);
    const first = await page(orderId, 2);
    const second = await page(orderId, 2, first.nextPageToken);
    expect(versions(second.events)).toEqual([3, 4]);
    expect(second.nextPageToken).toBe('');
  });

  it('goes on after a token when events were added since', async () => {
    const orderId = await longOrder(2);
    const { nextPageToken } = await page(orderId, 1);
    const { events } = await page(orderId, 0, nextPageToken);
    expect(versions(events)).toEqual([2]);
  });

  it('takes 0 for 20 and everything above 100 for 100', async () => {
    const orderId = await longOrder(105);
    expect((await page(orderId)).events).toHaveLength(20);
    expect((await page(orderId, 1000)).events).toHaveLength(100);
    expect((await refusal(page(orderId, -1))).reason).toBe('INVALID_REQUEST');
  });

  it('does not know an order that nobody created', async () => {
    const orderId = randomUUID();
    expect(await refusal(page(orderId))).toMatchObject({
      reason: 'ORDER_NOT_FOUND',
      code: 'NOT_FOUND',
      resource: { type: 'order', name: orderId },
    });
  });

  it('refuses a token of another order, of another key, damaged, or made up', async () => {
    const [orderId, other] = [await longOrder(3), await longOrder(3)];
    const { nextPageToken } = await page(other, 1);
    const foreignKey = pageTokens(Buffer.from('fedcba9876543210'));
    const own = (await page(orderId, 1)).nextPageToken;
    for (const token of [
      nextPageToken,
      foreignKey.sign(['ListOrderEvents', orderId], ['1']),
      `${own.slice(0, -2)}AA`,
      'x',
      Buffer.from('["1"]').toString('base64url'),
    ])
      expect(await refusal(page(orderId, 1, token))).toMatchObject({
        reason: 'PAGE_TOKEN_INVALID',
        code: 'INVALID_ARGUMENT',
        fields: [expect.objectContaining({ field: 'page_token' })],
      });
  });
});

function unpacked({ type, data }: OrderEvent): unknown {
  return isEventType(type) && data ? anyUnpack(data, eventSchemas[type]) : undefined;
}
