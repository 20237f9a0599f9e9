import { randomUUID } from 'node:crypto';
import { metricsText } from '@ordermesh/telemetry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { placed, refusal, rpc, type ServedCommand, serveCommand } from '../test/serve-command.ts';
import { command, database } from '../test/served-log.ts';

/** A second process on the same log, with a cache of its own. */
let other: ServedCommand;
beforeAll(async () => {
  other = await serveCommand(database.url);
});
afterAll(() => other?.[Symbol.asyncDispose]());

const amount = { currencyCode: 'USD', minorUnits: 2500n };
const trackingNumber = 'TRACK-1';

describe('two processes, each with orders in memory', () => {
  const orders = process.env.SOAK ? 1000 : 100;
  it(
    `never refuse what the other has just made possible: pay here, ship there, ${orders} times`,
    async () => {
      for (let n = 0; n < orders; n++) {
        const [payer, shipper] = n % 2 ? [command, other] : [other, command];
        const orderId = await placed(payer);
        // The shipper has the order in memory as CONFIRMED, the payer as PENDING.
        await shipper.call(rpc.confirmOrder, { orderId });
        await payer.call(rpc.payOrder, { orderId, paymentId: 'pay-1', amount });
        const shipped = await shipper.call(rpc.shipOrder, { orderId, trackingNumber });
        expect(shipped.message.order?.version).toBe(4);
        const delivered = await payer.call(rpc.deliverOrder, { orderId, expectedVersion: 4 });
        expect(delivered.message.order?.version).toBe(5);
      }
    },
    orders * 600,
  );

  it('let one of 50 confirm on one version, and tell the others the true one', async () => {
    const orderId = await placed(command);
    await refusal(other.call(rpc.shipOrder, { orderId, trackingNumber })); // now it has the order in memory, too
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, n) =>
        (n % 2 ? command : other).call(rpc.confirmOrder, { orderId, expectedVersion: 1 }),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const conflicts = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(conflicts).toHaveLength(49);
    for (const conflict of conflicts) {
      expect(conflict).toMatchObject({
        reason: 'VERSION_CONFLICT',
        metadata: { expectedVersion: '1', actualVersion: '2' },
      });
    }
  });

  it('answer a retried pay as it was first answered, after the order was shipped', async () => {
    const orderId = await placed(command);
    const options = { metadata: { 'idempotency-key': randomUUID() } };
    const pay = (by: ServedCommand) =>
      by.call(rpc.payOrder, { orderId, paymentId: 'pay-1', amount }, options);
    const first = await pay(command);
    await other.call(rpc.shipOrder, { orderId, trackingNumber });
    for (const by of [command, other]) {
      const again = await pay(by);
      expect(again.message).toEqual(first.message);
      expect(again.headers.get('etag')).toBe('"2"');
    }
  });

  it('tell how many events they folded, and what memory and snapshots saved', async () => {
    const orderId = await placed(command);
    const edit = (by: ServedCommand, line1: string) =>
      by.call(rpc.changeShippingAddress, {
        orderId,
        shippingAddress: {
          recipient: 'Ada Lovelace',
          line1,
          city: 'London',
          postalCode: 'SW1Y 4JH',
          countryCode: 'GB',
        },
      });
    for (let n = 0; n < 9; n++) await edit(command, `${n} St James Square`);
    await command.aggregate.snapshots.idle();
    const before = await metricsText();
    await edit(other, '1 Elsewhere Road');
    const now = await metricsText();
    const grown = (name: string) => value(now, name) - value(before, name);
    expect(grown('cache_misses_total')).toBe(1);
    expect(grown('snapshot_hits_total')).toBe(1);
    expect(grown('rehydrate_events_count{from="snapshot"}')).toBe(1);
    expect(grown('rehydrate_events_sum{from="snapshot"}')).toBe(1); // 10 events, the snapshot at 9
    expect(grown('cache_hits_total')).toBe(0);
  });
});

function value(text: string, name: string): number {
  const start = `ordermesh_eventstore_${name} `;
  const line = text.split('\n').find((one) => one.startsWith(start));
  return Number(line?.slice(start.length).split(' ')[0] ?? 0);
}
