// Deliveries as a bus may make them: each of them late, twice, or again from an earlier message, and over several owners.
import { randomUUID } from 'node:crypto';
import { Client } from '@elastic/elasticsearch';
import { type BusMessage, toMessage } from '@ordermesh/contract';
import type { BatchHandler } from '@ordermesh/messaging';
import {
  applyEvent,
  decodeEvent,
  elasticsearchViewWriter,
  type OrderViewWriter,
  type StoredOrder,
} from '@ordermesh/read-model';
import { isMissing, testIndexPrefix } from '@ordermesh/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { orderRows } from '../test/order-log.ts';
import { viewStore } from '../test/view-store.ts';
import type { ReadStretch } from './chain.ts';
import type { Customers } from './customers.ts';
import { projection } from './projection.ts';

const runs = process.env.SOAK ? 100 : 8;
const partition = 3;
const { signal } = new AbortController();
const customers: Customers = {
  lookup: async (ids) => new Map(ids.map((id) => [id, 'pending'])),
};

/** One delivery: begins so many messages before (or, if negative, behind) what was delivered last. */
interface Delivery {
  readonly back: number;
  readonly take: number;
  readonly twice: boolean;
  /** To an owner that has just got the partition. */
  readonly moved: boolean;
}
const deliveries = fc.array(
  fc.record({
    back: fc.integer({ min: -3, max: 12 }),
    take: fc.integer({ min: 1, max: 8 }),
    twice: fc.boolean(),
    moved: fc.boolean(),
  }),
  { minLength: 5, maxLength: 20 },
);

describe.skipIf(isMissing('elasticsearch'))('both stores', () => {
  const opened = new AsyncDisposableStack();
  const stores = new Map<string, OrderViewWriter>();
  const rows = orderRows(4);
  let last = 0n;
  const log: BusMessage[] = [];
  const readStretch: ReadStretch = async (_, after) =>
    log.filter(({ position }) => position > after).slice(0, 4);
  beforeAll(async () => {
    stores.set('PostgreSQL', opened.use(await viewStore()).writer);
    const prefix = testIndexPrefix();
    const url = inject('elasticsearchUrl');
    opened.defer(async () => {
      const client = new Client({ node: url });
      const made = Object.keys(await client.indices.get({ index: `${prefix}*` }));
      await client.indices.delete({ index: made });
      await client.close();
    });
    const options = { url, projection: `${prefix}orders@000001`, timeoutMs: 30_000 };
    stores.set('Elasticsearch', opened.use(elasticsearchViewWriter(options)));
  });
  afterAll(() => opened.disposeAsync());

  /** Five orders of up to five events each, side by side. */
  function lives(): BusMessage[] {
    const created = Array.from({ length: 5 }, () => rows.created(partition, randomUUID()));
    const types = ['OrderConfirmed', 'OrderPaid', 'OrderShipped', 'OrderDelivered'] as const;
    const later = types.flatMap((type, n) =>
      created.slice(n).map(({ streamId }) => rows.next(streamId, type)),
    );
    return [...created, ...later].map((row) => {
      const message = toMessage(row, last);
      last = row.position;
      return message;
    });
  }

  async function deliver(
    name: string,
    views: OrderViewWriter,
    messages: readonly BusMessage[],
    plan: readonly Delivery[],
  ): Promise<void> {
    const owner = async (): Promise<BatchHandler> => {
      const handler = projection({
        ...{ name, views, customers, readStretch },
        readPoint: rows.point,
        onDiverged: (error) => {
          throw error;
        },
      });
      await handler.assigned(partition, signal);
      return handler;
    };
    let handler = await owner();
    const hand = (from: number, to: number) =>
      handler.batch({ partition, messages: messages.slice(from, to), signal });
    let at = 0;
    for (const { back, take, twice, moved } of plan) {
      if (moved) {
        await handler.revoked(partition);
        handler = await owner();
      }
      const from = Math.min(Math.max(0, at - back), messages.length - 1);
      for (let n = twice ? 2 : 1; n > 0; n--) await hand(from, from + take);
      at = Math.min(messages.length, from + take);
    }
    await hand(0, messages.length);
  }

  it('hold what the log makes of its orders, however its events are delivered', async () => {
    await fc.assert(
      fc.asyncProperty(deliveries, async (plan) => {
        const messages = lives();
        log.push(...messages);
        const wanted = new Map<string, StoredOrder>();
        for (const message of messages)
          wanted.set(message.key, applyEvent(wanted.get(message.key), decodeEvent(message)));
        for (const [name, views] of stores) {
          await deliver(name, views, messages, plan);
          expect(await views.load([...wanted.keys()])).toEqual(wanted);
          expect((await views.checkpoint(partition)).position).toBe(last);
          expect(await views.parked(partition)).toEqual(new Map());
        }
      }),
      { numRuns: runs },
    );
  }, 600_000);
});
