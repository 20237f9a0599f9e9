import { randomUUID } from 'node:crypto';
import type { DescMethodUnary } from '@bufbuild/protobuf';
import { type Order, partitionOf } from '@ordermesh/contract';
import { deadLetter, postgresViewReader, type StoredOrder } from '@ordermesh/read-model';
import { orderMessages, storedOrder, storedStates } from '@ordermesh/read-model/testing';
import { callingAs, eventually, type TestDatabase, withClient } from '@ordermesh/testing';
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

const [ada, bob] = [randomUUID(), randomUUID()];
const asAda = callingAs(ada, 'orders:read');
const asBob = callingAs(bob, 'orders:read');
const asStaff = callingAs('ann', 'orders:read', 'orders:fulfil');
/** Everybody who may not see what is Ada's. */
const others = [asBob, callingAs(randomUUID()), callingAs('ann', 'orders:read', 'orders:write')];

const opened = new AsyncDisposableStack();
let database: TestDatabase;
/** Waits for long. */
let patient: ServedQuery;
/** Waits for 300 ms. */
let hasty: ServedQuery;
beforeAll(async () => {
  database = opened.use(await viewDatabase());
  patient = opened.use(await serveQuery(database.url, 25_000));
  hasty = opened.use(await serveQuery(database.url, 300));
});
afterAll(() => opened.disposeAsync());

/** Positions are of the whole log: every order gets later ones, so that checkpoints only ever move on. */
let lastPosition = 0n;
let created: StoredOrder;
let confirmed: StoredOrder;
let orderId: string;
/** An order that nobody placed, in the same partition. */
let absent: string;

/** Ada's order of two events, only the first of which is in the view. */
beforeEach(async () => {
  const later = ['OrderConfirmed'] as const;
  const spec = { customerId: ada, firstPosition: lastPosition + 1n, later };
  lastPosition += 2n;
  [created, confirmed] = storedStates(spec) as [StoredOrder, StoredOrder];
  orderId = created.order.orderId;
  do absent = randomUUID();
  while (partitionOf(absent, partitions) !== created.partition);
  await patient.views.write(batchOf(created));
});

const call = <M extends DescMethodUnary>(
  on: ServedQuery,
  method: M,
  request: object,
  ...metadata: object[]
) => on.call(method, { ...request } as never, { metadata: Object.assign({}, ...metadata) });
const get = (on: ServedQuery, request: object, ...metadata: object[]) =>
  call(on, rpc.getOrder, { orderId, ...request }, ...metadata);

/** Everything that a caller sees of a refusal, with the id that was asked for blotted out. */
async function shown(id: string, refused: Promise<unknown>): Promise<unknown> {
  const { reason, code, message, metadata, fields, retryAfterMs, resource } =
    await refusal(refused);
  const all = { reason, code, message, metadata, fields, retryAfterMs, resource };
  return JSON.parse(JSON.stringify(all).replaceAll(id, 'it'));
}

describe('GetOrder', () => {
  it('shows an order to its owner, to staff, and to everybody while authentication is off', async () => {
    for (const who of [asAda, asStaff, {}]) {
      const { message, headers } = await get(patient, {}, who);
      expect([message.order, headers.get('etag')]).toEqual([created.order, '"1.0"']);
    }
  });

  const written = ({ partition, order }: StoredOrder) =>
    afterWrites([partition, order.position]).metadata;
  it.each<[string, string, () => [object, object]]>([
    ['as it is', 'ORDER_NOT_FOUND', () => [{}, {}]],
    ['after its last write', 'ORDER_NOT_FOUND', () => [{}, written(created)]],
    ['at its version', 'EVENTUAL_CONSISTENCY_TIMEOUT', () => [{ minVersion: 1 }, {}]],
    ['at a later version', 'EVENTUAL_CONSISTENCY_TIMEOUT', () => [{ minVersion: 2 }, {}]],
    ['after a later write', 'EVENTUAL_CONSISTENCY_TIMEOUT', () => [{}, written(confirmed)]],
    [
      'at its version, after its last write',
      'EVENTUAL_CONSISTENCY_TIMEOUT',
      () => [{ minVersion: 1 }, written(created)],
    ],
  ])('answers another customer %s what an absent one is: %s', async (_, reason, wanted) => {
    const [request, metadata] = wanted();
    const asked = (id: string, who: object) =>
      shown(id, get(hasty, { ...request, orderId: id }, metadata, who));
    const answers = await Promise.all(
      others.flatMap((who) => [asked(orderId, who), asked(absent, who)]),
    );
    expect(answers).toEqual(Array(6).fill(answers[0]));
    expect(answers[0]).toMatchObject({ reason });
    const { metadata: facts } = answers[0] as { metadata: object };
    if (reason !== 'ORDER_NOT_FOUND') expect(facts).toMatchObject({ currentVersion: '0' });
  });

  it('tells of a parked order its owner and staff only', async () => {
    const messages = orderMessages({
      orderId,
      firstPosition: created.order.position,
      later: ['OrderConfirmed'],
    });
    const fault = { errorClass: 'undecodable', detail: 'x', attempts: 1, parkedAt: new Date() };
    const dead = [deadLetter(messages[1] as (typeof messages)[0], fault)];
    await patient.views.write({
      ...batchOf(confirmed),
      orders: [],
      dead,
    });
    const beyond = (id: string, who: object) =>
      shown(id, get(hasty, { orderId: id, minVersion: 2 }, who));
    for (const who of [asAda, asStaff, {}])
      expect(await beyond(orderId, who)).toMatchObject({ reason: 'ORDER_PARKED' });
    const answers = await Promise.all(
      others.flatMap((who) => [beyond(orderId, who), beyond(absent, who)]),
    );
    expect(answers).toEqual(Array(6).fill(answers[0]));
    expect(answers[0]).toMatchObject({ reason: 'EVENTUAL_CONSISTENCY_TIMEOUT' });
  });

  it('shares no read under way with whoever may not have its answer', async () => {
    const reading = `SELECT FROM pg_stat_activity WHERE datname = current_database()
      AND application_name = 'test-query' AND wait_event_type = 'Lock'`;
    const { own, foreign, all } = await withClient(database.url, (watching) =>
      withClient(database.url, async (holding) => {
        await holding.query('BEGIN; LOCK TABLE order_view IN ACCESS EXCLUSIVE MODE');
        const begun = {
          own: Array.from({ length: 5 }, () => get(patient, {}, asAda)),
          foreign: Array.from({ length: 5 }, () => refusal(get(patient, {}, asBob))),
          all: [get(patient, {}, asStaff), get(patient, {})],
        };
        await eventually(async () => (await watching.query(reading)).rowCount === 3);
        return begun;
      }),
    );
    for (const { message } of await Promise.all([...own, ...all]))
      expect(message.order).toEqual(created.order);
    for (const { reason } of await Promise.all(foreign)) expect(reason).toBe('ORDER_NOT_FOUND');
  });

  it('wakes nobody but those who may see the order', async () => {
    const own = [asAda, asStaff].map((who) => get(patient, { minVersion: 2 }, who));
    const foreign = shown(orderId, get(hasty, { minVersion: 2 }, asBob));
    await eventually(() => patient.notifier.waiting === 2);
    await patient.views.write(batchOf(confirmed));
    for (const { message } of await Promise.all(own))
      expect(message.order).toEqual(confirmed.order);
    expect(await foreign).toMatchObject({
      reason: 'EVENTUAL_CONSISTENCY_TIMEOUT',
      metadata: { currentVersion: '0' },
    });
  });
});

const ids = (orders: readonly Order[]) => orders.map((order) => order.orderId);

/** Two customers' orders by turns, newest first. */
async function ordersOf(...customers: [string, string]): Promise<[string[], string[]]> {
  const orders = Array.from({ length: 8 }, (_, i) =>
    storedOrder({
      customerId: customers[i % 2] as string,
      items: [`lamp of ${customers[0]}`],
      createdAtMicros: 1_800_000_000_000_000n - BigInt(i),
    }),
  );
  await patient.views.writeEnrichment(orders);
  const of = (rest: number) =>
    ids(orders.map(({ order }) => order).filter((_, i) => i % 2 === rest));
  return [of(0), of(1)];
}

describe('ListOrders', () => {
  it('lists one’s own orders; another customer is as unknown as one who is not there', async () => {
    const [customer, other] = [randomUUID(), randomUUID()];
    const [own] = await ordersOf(customer, other);
    const list = async (customerId: string, who: object) =>
      (await call(patient, rpc.listOrders, { customerId }, who)).message.orders;
    for (const who of [callingAs(customer), asStaff, {}])
      expect(ids(await list(customer, who))).toEqual(own);
    const refused = (customerId: string) =>
      shown(customerId, call(patient, rpc.listOrders, { customerId }, callingAs(customer)));
    const foreign = await refused(other);
    expect(foreign).toEqual(await refused(randomUUID()));
    expect(foreign).toMatchObject({
      reason: 'CUSTOMER_NOT_FOUND',
      code: 'NOT_FOUND',
      resource: { type: 'customer', name: 'it' },
    });
    const fresh = randomUUID();
    expect(await list(fresh, callingAs(fresh))).toEqual([]);
  });

  it('lets nobody read on with another one’s page token', async () => {
    const customer = randomUUID();
    const [own] = await ordersOf(customer, randomUUID());
    const asOwner = callingAs(customer);
    const page = (pageToken: string, who: object) =>
      call(patient, rpc.listOrders, { customerId: customer, pageSize: 2, pageToken }, who);
    const { nextPageToken } = (await page('', asOwner)).message;
    expect(ids((await page(nextPageToken, asOwner)).message.orders)).toEqual(own.slice(2));
    expect((await refusal(page(nextPageToken, asBob))).reason).toBe('CUSTOMER_NOT_FOUND');
    for (const who of [asStaff, {}]) {
      expect((await refusal(page(nextPageToken, who))).reason).toBe('PAGE_TOKEN_INVALID');
      const token = (await page('', who)).message.nextPageToken;
      expect((await refusal(page(token, asOwner))).reason).toBe('PAGE_TOKEN_INVALID');
    }
  });
});

describe('SearchOrders', () => {
  it('finds one’s own orders in whole pages, and nothing of a customer who is another', async () => {
    const [customer, other] = [randomUUID(), randomUUID()];
    const [own, foreign] = await ordersOf(customer, other);
    const query = customer;
    const search = async (request: object, who: object) =>
      (await call(patient, rpc.searchOrders, { query, ...request }, who)).message;
    const first = await search({ pageSize: 3 }, callingAs(customer));
    expect(ids(first.orders)).toEqual(own.slice(0, 3));
    const pageToken = first.nextPageToken;
    const rest = await search({ pageSize: 3, pageToken }, callingAs(customer));
    expect([ids(rest.orders), rest.nextPageToken]).toEqual([own.slice(3), '']);
    for (const who of [callingAs(other), asStaff, {}])
      expect((await refusal(search({ pageSize: 3, pageToken }, who))).reason).toBe(
        'PAGE_TOKEN_INVALID',
      );
    expect(ids((await search({}, callingAs(other))).orders)).toEqual(foreign);
    for (const who of [asStaff, {}])
      expect(ids((await search({}, who)).orders).sort()).toEqual([...own, ...foreign].sort());
    expect((await search({ customerId: other }, callingAs(customer))).orders).toEqual([]);
    expect((await search({ customerId: randomUUID() }, callingAs(customer))).orders).toEqual([]);
    expect((await search({}, callingAs('ann'))).orders).toEqual([]);
  });
});

describe('a view that a store or the cache wrongly gives for another customer’s', () => {
  it('is not answered, but an internal error', async () => {
    const onError = () => undefined;
    const reader = postgresViewReader({ url: database.url, max: 2, name: 'test', onError });
    opened.use(reader);
    const search: typeof reader.search = (request, signal) =>
      reader.search({ ...request, owner: undefined }, signal);
    const { notifier } = patient;
    const store = { name: 'elasticsearch', reader: { ...reader, search }, notifier } as const;
    const cache = {
      find: async () => ({ stored: created, ageMs: 0, isFresh: true }),
      fill: () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    };
    await using faulty = await serveQuery(database.url, 300, store, cache);
    expect((await get(faulty, {}, asAda)).message.order).toEqual(created.order);
    const request = { customerId: ada };
    expect((await call(faulty, rpc.searchOrders, request, asAda)).message.orders).not.toEqual([]);
    for (const leak of [get(faulty, {}, asBob), call(faulty, rpc.searchOrders, request, asBob)]) {
      const error = await refusal(leak);
      expect([error.reason, error.message]).toEqual([
        'INTERNAL',
        'Internal error; the trace id leads to its log line.',
      ]);
    }
  });
});
