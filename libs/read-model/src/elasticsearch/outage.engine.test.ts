// A node of its own, which hangs and dies.
import { type Elasticsearch, startElasticsearch } from '@ordermesh/engines';
import { isMissing } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OrderViewReader } from '../order-view-reader.ts';
import type { OrderViewWriter } from '../order-view-writer.ts';
import type { StoredOrder } from '../stored-order.ts';
import { storedOrder } from '../testing/stored-orders.ts';
import { batch, never } from '../testing/view-store.ts';
import { isElasticsearchPassing } from './errors.ts';
import { prepareElasticsearchView } from './prepare.ts';
import { elasticsearchViewReader } from './reader.ts';
import { elasticsearchViewWriter } from './writer.ts';

describe.skipIf(isMissing('elasticsearch'))('Elasticsearch', () => {
  const opened = new AsyncDisposableStack();
  let node: Elasticsearch;
  let url: string;
  let writer: OrderViewWriter;
  let reader: OrderViewReader;
  /** For calls that have to fail: short, so that the test is. */
  let hastyWriter: OrderViewWriter;
  let hastyReader: OrderViewReader;
  beforeAll(async () => {
    node = opened.use(await startElasticsearch());
    url = node.url;
    await prepareElasticsearchView({ url }, never);
    const [patient, hasty] = [
      { url, timeoutMs: 60_000 },
      { url, timeoutMs: 400 },
    ];
    writer = opened.use(elasticsearchViewWriter(patient));
    reader = opened.use(elasticsearchViewReader(patient));
    hastyWriter = opened.use(elasticsearchViewWriter(hasty));
    hastyReader = opened.use(elasticsearchViewReader(hasty));
  }, 240_000);
  afterAll(() => opened.disposeAsync());

  let position = 0n;
  async function written(): Promise<StoredOrder> {
    const stored = storedOrder();
    await writer.write(batch(0, ++position, { orders: [stored] }));
    return stored;
  }
  const allCalls = ({ order }: StoredOrder) => [
    () => hastyReader.get(order.orderId, undefined, never),
    () => hastyReader.search({ owner: undefined, orderBy: 'total', limit: 1 }, never),
    () => hastyReader.list({ owner: undefined, customerId: order.customerId, limit: 1 }, never),
    () => hastyReader.checkpoints([0, 1], never),
    () => hastyReader.searchable(0, 1_000_000n, never),
    () => hastyReader.parkedOrder(0, order.orderId, undefined, never),
    () => hastyReader.parkedEvent(0, 1n, never),
    () => hastyWriter.load([order.orderId]),
    () => hastyWriter.checkpoint(0),
    () => hastyWriter.write(batch(0, 1n, { orders: [storedOrder()] })),
    () => hastyWriter.incomplete({ partitions: [0], kind: 'pending', limit: 1 }),
  ];
  async function expectUnavailable(stored: StoredOrder): Promise<void> {
    const outcomes = allCalls(stored).map((call) =>
      call().then(
        () => 'done',
        (error: unknown) => (isElasticsearchPassing(error) ? 'unavailable' : error),
      ),
    );
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['unavailable']));
  }

  test('ends every call in time while the node hangs, with the caller at once, and goes on afterwards', async () => {
    const stored = await written();
    process.kill(node.pid, 'SIGSTOP');
    try {
      const started = performance.now();
      await expectUnavailable(stored);
      expect(performance.now() - started).toBeLessThan(20_000); // a hang would take the patient 60 s
      const abort = new AbortController();
      const reason = new Error('client gone');
      const waits = [
        reader.get(stored.order.orderId, undefined, abort.signal),
        reader.searchable(0, 1_000_000n, abort.signal),
      ].map((wait) => wait.catch((error: unknown) => error));
      abort.abort(reason);
      expect(await Promise.all(waits)).toEqual([reason, reason]);
    } finally {
      process.kill(node.pid, 'SIGCONT');
    }
    expect(await reader.get(stored.order.orderId, undefined, never)).toEqual(stored);
    await written();
  });

  test('keeps what it answered when the node is killed, and goes on when it is back', async () => {
    const before = await written();
    await node.kill();
    await expectUnavailable(before);
    await node.restart();
    expect(await reader.get(before.order.orderId, undefined, never)).toEqual(before);
    expect(await reader.checkpoint(0, never)).toBe(position);
    const after = await written();
    await reader.searchable(0, position, never);
    const { customerId } = after.order;
    expect((await reader.list({ owner: undefined, customerId, limit: 1 }, never)).orders).toEqual([
      after.order,
    ]);
  });
});
