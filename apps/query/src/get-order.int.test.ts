import { randomUUID } from 'node:crypto';
import { partitionOf } from '@ordermesh/contract';
import { deadLetter, type StoredOrder, withCustomer } from '@ordermesh/read-model';
import { orderMessages, record, storedStates } from '@ordermesh/read-model/testing';
import { clearMemorySpans, memorySpans } from '@ordermesh/telemetry';
import { eventually, type TestDatabase } from '@ordermesh/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  afterWrites,
  batchOf,
  partitions,
  refusal,
  rpc,
  type ServedQuery,
  serveQuery,
  viewDatabase,
} from '../test/serve-query.ts';

let database: TestDatabase;
/** Waits for long. */
let patient: ServedQuery;
/** Waits for 700 ms. */
let hasty: ServedQuery;

beforeAll(async () => {
  database = await viewDatabase();
  [patient, hasty] = await Promise.all([
    serveQuery(database.url, 25_000),
    serveQuery(database.url, 700),
  ]);
});

afterAll(async () => {
  await patient?.[Symbol.asyncDispose]();
  await hasty?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

/** Positions are of the whole log: every order gets later ones, so that checkpoints only ever move on. */
let lastPosition = 0n;
let created: StoredOrder;
let confirmed: StoredOrder;
let paid: StoredOrder;
let orderId: string;
let partition: number;
let messages: ReturnType<typeof orderMessages>;

/** An order of three events in a partition, only the first of which is in the view. */
beforeEach(async () => {
  orderId = randomUUID();
  partition = partitionOf(orderId, partitions);
  const spec = {
    orderId,
    firstPosition: lastPosition + 1n,
    later: ['OrderConfirmed', 'OrderPaid'] as const,
  };
  lastPosition += 3n;
  messages = orderMessages(spec);
  [created, confirmed, paid] = storedStates(spec) as [StoredOrder, StoredOrder, StoredOrder];
  await patient.views.write(batchOf(created));
});

const get = (on: ServedQuery, minVersion?: number, options = {}) =>
  on.call(rpc.getOrder, minVersion ? { orderId, minVersion } : { orderId }, options);

/** Parks the order at its second event. */
const park = () => {
  const message = messages[1] as (typeof messages)[0];
  const fault = { errorClass: 'undecodable', detail: 'x', attempts: 1, parkedAt: new Date() };
  return patient.views.write(batchOf(created, [deadLetter(message, fault)]));
};
const parkAndMoveOn = async () => {
  await park();
  await patient.views.write({ partition, position: paid.order.position, orders: [], dead: [] });
};

/** Runs `change` once the call is waiting, and answers what the call does. */
async function during<T>(call: Promise<T>, change: () => Promise<unknown>): Promise<T> {
  const outcome = call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  await eventually(() => patient.notifier.waiting + hasty.notifier.waiting > 0);
  await change();
  const settled = await outcome;
  if ('error' in settled) throw settled.error;
  return settled.value;
}

describe('GetOrder', () => {
  it('answers the view, with version and customer revision as its etag', async () => {
    const { message, headers } = await get(patient);
    expect(message.order).toEqual(created.order);
    expect(headers.get('etag')).toBe('"1.0"');
    await patient.views.writeEnrichment([withCustomer(created, record(created, 7))]);
    const enriched = await get(patient);
    expect(enriched.headers.get('etag')).toBe('"1.7"');
    expect(enriched.message.order?.customerName).toBe('Ada Lovelace');
  });

  it('takes ids in any case, and refuses what is no UUID', async () => {
    const upper = await patient.call(rpc.getOrder, { orderId: orderId.toUpperCase() });
    expect(upper.message.order?.orderId).toBe(orderId);
    expect((await refusal(patient.call(rpc.getOrder, { orderId: 'x' }))).reason).toBe(
      'INVALID_REQUEST',
    );
  });

  it('does not know an order that is in no view', async () => {
    const absent = randomUUID();
    expect(await refusal(patient.call(rpc.getOrder, { orderId: absent }))).toMatchObject({
      reason: 'ORDER_NOT_FOUND',
      code: 'NOT_FOUND',
      resource: { type: 'order', name: absent },
    });
  });

  it('links its trace to that of the command whose outcome it shows', async () => {
    clearMemorySpans();
    await get(patient);
    const span = await eventually(
      () =>
        memorySpans().find(
          ({ name, kind }) =>
            name === 'ordermesh.order.v1.OrderQueryService/GetOrder' && kind === 1,
        ) ?? false,
    );
    expect(span.attributes).toMatchObject({
      'ordermesh.order.id': orderId,
      'ordermesh.order.version': 1,
    });
    const [, traceId, spanId] = created.traceparent?.split('-') ?? [];
    expect(span.links).toEqual([
      expect.objectContaining({
        context: expect.objectContaining({ traceId, spanId }),
        attributes: { 'ordermesh.link': 'produced_by' },
      }),
    ]);
  });
});

describe('GetOrder with a min version', () => {
  it.each([0, 1])('refuses less than 1, and takes what the view has (%s)', async (minVersion) => {
    const call = patient.call(rpc.getOrder, { orderId, minVersion });
    if (minVersion === 0) expect((await refusal(call)).reason).toBe('INVALID_REQUEST');
    else expect((await call).message.order?.version).toBe(1);
  });

  it('answers as soon as the view has it', async () => {
    const { message } = await during(get(patient, 2), () =>
      patient.views.write(batchOf(confirmed)),
    );
    expect(message.order?.version).toBe(2);
  });

  it('answers a later one, too', async () => {
    const { message } = await during(get(patient, 2), () => patient.views.write(batchOf(paid)));
    expect(message.order?.version).toBe(3);
  });

  it('goes on waiting when its partition moves for another order', async () => {
    const { message } = await during(get(patient, 3), async () => {
      await patient.views.write(batchOf(confirmed));
      await eventually(() => patient.notifier.waiting > 0);
      await patient.views.write(batchOf(paid));
    });
    expect(message.order?.version).toBe(3);
  });

  it('says when the view does not get there in time, and which version it has', async () => {
    expect(await refusal(get(hasty, 2))).toMatchObject({
      reason: 'EVENTUAL_CONSISTENCY_TIMEOUT',
      code: 'ABORTED',
      metadata: { currentVersion: '1' },
      retryAfterMs: 1000,
    });
    const absent = { orderId: randomUUID(), minVersion: 1 };
    expect(await refusal(hasty.call(rpc.getOrder, absent))).toMatchObject({
      reason: 'EVENTUAL_CONSISTENCY_TIMEOUT',
      metadata: { currentVersion: '0' },
    });
  });

  // The 150 ms that are kept back for the answer are real time: a machine that stops for longer breaks the promise, not the code.
  it('says so before the caller’s own deadline', { retry: 3 }, async () => {
    const error = await refusal(get(patient, 2, { timeoutMs: 700 }));
    expect(error).toMatchObject({
      reason: 'EVENTUAL_CONSISTENCY_TIMEOUT',
      metadata: { currentVersion: '1' },
    });
    expect(patient.notifier.waiting).toBe(0);
  });

  // Far below the 25 s that it would wait.
  it('answers ORDER_PARKED at once when the view cannot get there', {
    timeout: 20_000,
  }, async () => {
    await parkAndMoveOn();
    for (const minVersion of [2, 3])
      expect(await refusal(get(patient, minVersion))).toMatchObject({
        reason: 'ORDER_PARKED',
        code: 'FAILED_PRECONDITION',
        resource: { type: 'order', name: orderId },
      });
    expect((await get(patient, 1)).message.order?.version).toBe(1);
  });

  it('answers ORDER_PARKED when that happens while it waits', async () => {
    const error = await refusal(during(get(hasty, 2), park));
    expect(error.reason).toBe('ORDER_PARKED');
  });
});

describe('GetOrder with a consistency token', () => {
  const at = (stored: StoredOrder) => afterWrites([stored.partition, stored.order.position]);

  it('answers at once when the view contains the write', async () => {
    expect((await get(patient, undefined, at(created))).message.order?.version).toBe(1);
  });

  it('answers as soon as the view contains the write', async () => {
    const { message } = await during(get(patient, undefined, at(confirmed)), () =>
      patient.views.write(batchOf(confirmed)),
    );
    expect(message.order?.version).toBe(2);
  });

  it('waits for the write of another order in the same partition, too', async () => {
    const position = paid.order.position;
    const { message } = await during(
      get(patient, undefined, afterWrites([partition, position])),
      () => patient.views.write({ partition, position, orders: [], dead: [] }),
    );
    expect(message.order?.version).toBe(1);
  });

  it('finds an order that was created while it waited, and says so when it was not', async () => {
    const spec = { orderId: randomUUID(), firstPosition: ++lastPosition };
    const [fresh] = storedStates(spec) as [StoredOrder];
    const call = () => patient.call(rpc.getOrder, { orderId: spec.orderId }, at(fresh));
    const { message } = await during(call(), () => patient.views.write(batchOf(fresh)));
    expect(message.order?.version).toBe(1);
    const other = randomUUID();
    const moved = afterWrites([partitionOf(other, partitions), 0n]);
    const absent = patient.call(rpc.getOrder, { orderId: other }, moved);
    expect((await refusal(absent)).reason).toBe('ORDER_NOT_FOUND');
  });

  it('looks only at the token of the order’s partition, the highest if there are several', async () => {
    const elsewhere: [number, bigint] = [(partition + 1) % partitions, 2n ** 62n];
    const foreign = await get(patient, undefined, afterWrites(elsewhere));
    expect(foreign.message.order?.version).toBe(1);
    const both = afterWrites([partition, 1n], elsewhere, [partition, confirmed.order.position]);
    const { message } = await during(get(patient, undefined, both), () =>
      patient.views.write(batchOf(confirmed)),
    );
    expect(message.order?.version).toBe(2);
  });

  it('says when the view does not get there in time, with version and position', async () => {
    expect(await refusal(get(hasty, undefined, at(paid)))).toMatchObject({
      reason: 'EVENTUAL_CONSISTENCY_TIMEOUT',
      metadata: { currentVersion: '1', currentPosition: String(created.order.position) },
    });
  });

  it('answers ORDER_PARKED, not an older view, when exactly that event is parked', async () => {
    await parkAndMoveOn();
    // The checkpoint has passed it.
    expect(await refusal(get(patient, undefined, at(confirmed)))).toMatchObject({
      reason: 'ORDER_PARKED',
      code: 'FAILED_PRECONDITION',
    });
  });

  it.each([
    ['made up', 'x'],
    ['of another shape', Buffer.from('2.1.1').toString('base64url')],
    ['of a partition that does not exist', Buffer.from('1.12.1').toString('base64url')],
    ['beyond any log', Buffer.from(`1.0.${2n ** 63n}`).toString('base64url')],
  ])('refuses one that is %s', async (_, token) => {
    const error = await refusal(
      get(patient, undefined, { metadata: { 'consistency-token': token } }),
    );
    expect(error).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: [expect.objectContaining({ field: 'consistency-token' })],
    });
  });

  it('holds together with a min version', async () => {
    const wanted = get(patient, 3, at(confirmed));
    const { message } = await during(wanted, async () => {
      await patient.views.write(batchOf(confirmed));
      await patient.views.write(batchOf(paid));
    });
    expect(message.order?.version).toBe(3);
  });
});
