import { context, trace } from '@opentelemetry/api';
import { clearMemorySpans, inSpan, memorySpans, metricsText } from '@ordermesh/telemetry';
import { eventually } from '@ordermesh/testing';
import pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Harness, harness } from '../../fixtures/harness.ts';
import { recorder } from '../testing/index.ts';

let h: Harness;
beforeEach(async () => {
  h = await harness();
});
afterEach(() => h[Symbol.asyncDispose]());

it("puts a handler's queries into the trace of the order, and its own into none", async () => {
  const seen = recorder();
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  await using pool = new Pool(h.log.url);
  const handler = seen.handler('a', {
    async batch() {
      await pool.query('SELECT 42');
    },
  });
  clearMemorySpans();
  await using _consumer = await inSpan('start', {}, () =>
    h.bus({ pollEveryMs: 20 }).consume({ group: 'g', handler }),
  );
  await h.log.insert([h.rows.next(h.rows.orderIn(1), { traceparent })]);
  await eventually(() => seen.seen().size === 1);

  await eventually(() => memorySpans().some((span) => span.name.startsWith('process ')));
  const made = memorySpans().filter((span) => span.name !== 'start');
  // The insert of the test and the join of the consumer have parents or are no queries of a handler: only these two are in a trace of ours.
  expect(made.map((span) => [span.name.split(' ')[0], span.spanContext().traceId])).toEqual([
    ['pg.query:SELECT', traceId],
    ['process', traceId],
  ]);
  expect(trace.getSpan(context.active())).toBeUndefined();
});

it('counts how far it is behind', async () => {
  const seen = recorder();
  const finish = Promise.withResolvers<void>();
  const order = h.rows.orderIn(2);
  await h.log.append(Array.from({ length: 33 }, () => h.rows.next(order)));
  const handler = seen.handler('a', { batch: () => finish.promise });
  await using consumer = await h
    .bus({ pollEveryMs: 50 })
    .consume({ group: 'far', handler, maxBatch: 5 });

  await eventually(() => consumer.lag().get(2) === 33);
  expect(consumer.lag().get(0)).toBe(0);
  expect(await metricsText()).toMatch(
    /ordermesh_consumer_lag\{messaging_consumer_group_name="far",messaging_destination_partition_id="2"\} 33/,
  );
  finish.resolve();
  await eventually(() => seen.seen().size === 33);
  await eventually(() => consumer.lag().get(2) === 0);
});

it('lets the owner do its housekeeping while there is nothing to read, and not more often than asked', async () => {
  const seen = recorder();
  const calls: [partition: number, startedAt: number, endedAt: number][] = [];
  const idleEveryMs = 100;
  const handler = seen.handler('a', {
    async idle(partition) {
      const startedAt = performance.now();
      await new Promise(setImmediate);
      calls.push([partition, startedAt, performance.now()]);
      throw new Error('housekeeping fails, and comes again');
    },
  });
  await using _consumer = await h
    .bus({ pollEveryMs: 20 })
    .consume({ group: 'g', handler, idleEveryMs });
  const of = (partition: number) => calls.filter(([one]) => one === partition);
  await eventually(() => [0, 1, 2, 3].every((partition) => of(partition).length >= 3));
  await h.log.append(h.rows.oneEach());
  await eventually(() => seen.seen().size === 4);
  for (const [n, [, startedAt]] of of(1).entries()) {
    if (n > 0) expect(startedAt - (of(1)[n - 1]?.[2] ?? 0)).toBeGreaterThanOrEqual(idleEveryMs);
  }
  expect(seen.violations()).toEqual([]);
});

it('handles a bounded number of partitions at the same time', async () => {
  const seen = recorder();
  let running = 0;
  let most = 0;
  const gates: (() => void)[] = [];
  const handler = seen.handler('a', {
    async batch() {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => gates.push(resolve));
      running--;
    },
  });
  await h.log.append(h.rows.oneEach());
  await using _consumer = await h.bus({ concurrency: 2 }).consume({ group: 'g', handler });
  await eventually(() => gates.length === 2);
  await eventually(() => {
    for (const open of gates.splice(0)) open();
    return seen.seen().size === 4;
  });
  expect(most).toBe(2);
});

it('calls assigned again when it rejected, before any batch', async () => {
  const seen = recorder();
  const recorded = seen.handler('a');
  let failures = 0;
  const handler = {
    ...recorded,
    async assigned(partition: number, signal: AbortSignal) {
      if (partition === 1 && failures++ < 2) throw new Error('the store is down');
      await recorded.assigned(partition, signal);
    },
  };
  await h.log.append(h.rows.oneEach());
  await using _consumer = await h.bus().consume({ group: 'g', handler });
  await eventually(() => seen.seen().size === 4);
  expect(failures).toBe(3);
  expect(seen.violations()).toEqual([]);
});

it.each([
  ['names the event before as predecessor', [], '3'],
  ['names none when the log has lost that event', ['DELETE FROM fixture WHERE position = 3'], '0'],
  [
    'names none when the log has another event there',
    ['UPDATE fixture SET event_id = gen_random_uuid() WHERE position = 3'],
    '0',
  ],
])('%s', async (_what, statements, prev) => {
  const seen = recorder();
  await using _consumer = await h.bus().consume({ group: 'g', handler: seen.handler('a') });
  const order = h.rows.orderIn(1);
  await h.log.append([1, 2, 3].map(() => h.rows.next(order)));
  await eventually(() => seen.seen().size === 3);
  await using pool = new Pool(h.log.url);
  for (const statement of statements) await pool.query(statement);
  await h.log.append([h.rows.next(order)]);
  await eventually(() => seen.seen().size === 4);
  const chain = seen.messages().map(({ headers }) => headers['ordermesh-prev']);
  expect(chain).toEqual(['0', '1', '2', prev]);
});

it('rejects when the database of the leases cannot be reached, and leaves nothing running', async () => {
  const viewUrl = 'postgres://nobody@127.0.0.1:1/none';
  const consuming = h.bus({ viewUrl }).consume({ group: 'g', handler: recorder().handler('a') });
  await expect(consuming).rejects.toThrow(/no database connection/);
});

/** A pool that a test disposes of. */
class Pool extends pg.Pool implements AsyncDisposable {
  constructor(connectionString: string) {
    super({ connectionString, max: 1 });
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
