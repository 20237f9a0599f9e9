import { randomUUID } from 'node:crypto';
import { toBinary } from '@bufbuild/protobuf';
import { PayOrderResponseSchema } from '@ordermesh/contract';
import { createPool } from '@ordermesh/postgres';
import { eventually, type TestDatabase } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCallers } from '../test/command-ledger.ts';
import { type CommandProcess, startCommand } from '../test/command-process.ts';
import { logDatabase, orderRequest, refusal, rpc } from '../test/serve-command.ts';

/** The deadline is for a busy machine. */
const settings = { SNAPSHOT_EVERY: '3', REQUEST_TIMEOUT_MS: '20000' };
const amount = { currencyCode: 'USD', minorUnits: 2500n };
const trackingNumber = 'TRACK-1';

let database: TestDatabase;
let log: ReturnType<typeof createPool>;
let here: CommandProcess;
let there: CommandProcess;
beforeAll(async () => {
  database = await logDatabase();
  log = createPool({ url: database.url, max: 2, name: 'test', statementTimeoutMs: 60_000 });
  here = await startCommand(database.url, settings);
  there = await startCommand(database.url, settings);
});
afterAll(async () => {
  await there?.[Symbol.asyncDispose]();
  await here?.[Symbol.asyncDispose]();
  await log?.end();
  await database?.[Symbol.asyncDispose]();
});

async function placed(by: CommandProcess): Promise<string> {
  const request = orderRequest();
  await by.call(rpc.createOrder, request);
  return request.orderId;
}
const eventsOf = async (orderId: string) => {
  const text = 'SELECT type FROM events WHERE stream_id = $1 ORDER BY version';
  return (await log.query<{ type: string }>(text, [orderId])).rows.map(({ type }) => type);
};

describe('two processes, each with orders in memory', () => {
  const orders = process.env.SOAK ? 1000 : 50;
  it(
    `never refuse what the other has just made possible: pay here, ship there, ${orders} times`,
    async () => {
      for (let n = 0; n < orders; n++) {
        const [payer, shipper] = n % 2 ? [here, there] : [there, here];
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
    60_000 + orders * 600,
  );

  it('let one of 50 confirm on one version, and tell the others the true one', async () => {
    const orderId = await placed(here);
    await refusal(there.call(rpc.shipOrder, { orderId, trackingNumber })); // now it has the order in memory, too
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, n) =>
        (n % 2 ? here : there).call(rpc.confirmOrder, { orderId, expectedVersion: 1 }),
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

  it('tell how many events they folded, and what memory and snapshots saved', async () => {
    const orderId = await placed(here);
    const edit = (by: CommandProcess, line1: string) =>
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
    for (let n = 0; n < 9; n++) await edit(here, `${n} St James Square`);
    const snapshot = 'SELECT FROM snapshots WHERE stream_id = $1 AND version = 9';
    await eventually(async () => (await log.query(snapshot, [orderId])).rowCount === 1);
    const before = await there.metrics();
    await edit(there, '1 Elsewhere Road');
    const now = await there.metrics();
    const grown = (name: string) => value(now, name) - value(before, name);
    expect(grown('cache_misses_total')).toBe(1);
    expect(grown('snapshot_hits_total')).toBe(1);
    expect(grown('rehydrate_events_count{from="snapshot"}')).toBe(1);
    expect(grown('rehydrate_events_sum{from="snapshot"}')).toBe(1); // 10 events, the snapshot at 9
    expect(grown('cache_hits_total')).toBe(0);
  });
});

describe('one idempotency key in two processes', () => {
  const key = randomUUID();
  let orderId: string;
  const pay = (by: CommandProcess, changes: object = {}) =>
    by.call(
      rpc.payOrder,
      { orderId, paymentId: 'pay-1', amount, ...changes },
      { metadata: { 'idempotency-key': key } },
    );
  /** Everything that a caller sees. */
  const seen = ({ message, headers }: Awaited<ReturnType<typeof pay>>) =>
    JSON.stringify([
      Buffer.from(toBinary(PayOrderResponseSchema, message)).toString('hex'),
      message.consistencyToken,
      headers.get('consistency-token'),
      headers.get('etag'),
    ]);
  const aHundred = async () => {
    const calls = Array.from({ length: 100 }, (_, n) => pay(n % 2 ? here : there));
    return new Set((await Promise.all(calls)).map(seen));
  };

  it('leads to one event and one answer, however often it comes, and after the processes restarted and the order moved on', async () => {
    orderId = await placed(here);
    const answers = await aHundred();
    expect(answers.size).toBe(1);
    expect(await eventsOf(orderId)).toEqual(['OrderCreated', 'OrderPaid']);

    await Promise.all([here.restart('SIGTERM'), there.restart('SIGKILL')]);
    expect(await aHundred()).toEqual(answers);
    await there.call(rpc.shipOrder, { orderId, trackingNumber });
    expect(await aHundred()).toEqual(answers);
    expect(await eventsOf(orderId)).toEqual(['OrderCreated', 'OrderPaid', 'OrderShipped']);
    for (const by of [here, there])
      expect(await refusal(pay(by, { paymentId: 'pay-2' }))).toMatchObject({
        reason: 'IDEMPOTENCY_KEY_REUSED',
        code: 'ALREADY_EXISTS',
      });
  });
});

describe('two processes under 64 callers', () => {
  const kills = Number(process.env.COMMAND_KILLS ?? (process.env.SOAK ? 100 : 3));
  it(
    `keep every command that they acknowledged, once, over ${kills} kill -9 at random moments`,
    async () => {
      await using callers = await startCallers([here, there], log);
      for (let n = 0; n < kills; n++) {
        const victim = n % 2 ? here : there;
        const until = callers.acknowledgedBy(victim) + 1 + Math.floor(Math.random() * 500);
        await eventually(() => callers.acknowledgedBy(victim) >= until, {
          withinMs: 60_000,
          everyMs: 1,
        });
        await victim.restart('SIGKILL');
      }
      await callers.stop();
      const whole = await callers.expectWhole();
      expect(whole.unknown).toBeGreaterThan(0);
      console.log(`${kills} × kill -9:`, whole, Object.fromEntries(callers.refusals));
    },
    120_000 + kills * 15_000,
  );
});

function value(text: string, name: string): number {
  const start = `ordermesh_eventstore_${name} `;
  const line = text.split('\n').find((one) => one.startsWith(start));
  return Number(line?.slice(start.length).split(' ')[0] ?? 0);
}
