import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SearchOrders } from '../order-view-reader.ts';
import { openPostgresStore, type PostgresTestStore } from './open-test-store.ts';
import { searchStatement } from './search-statement.ts';

describe('the plan of an owner’s pages', () => {
  const owner = randomUUID();
  let store: PostgresTestStore;
  beforeAll(async () => {
    store = await openPostgresStore();
    // 20 orders for each of 250 customers.
    const rows = `INSERT INTO order_view (order_id, revision, version, position, partition, status, customer_id, currency_code, total, created_at,
        updated_at, enrichment, doc, search_text)
      SELECT gen_random_uuid(), 1048576, 1, i, 0, 1, CASE WHEN i % 250 = 0 THEN $1::uuid ELSE md5((i % 250)::text)::uuid END, 'EUR', i,
        now() - i * interval '1 s', now(), 2, '', 'teapot' FROM generate_series(1, 5000) i`;
    await store.sql(rows, [owner]);
    await store.sql('ANALYZE order_view');
  });
  afterAll(() => store[Symbol.asyncDispose]());

  async function plan(search: Partial<SearchOrders>): Promise<string> {
    const statement = searchStatement({ owner, orderBy: 'createdAt desc', limit: 20, ...search });
    if (statement === undefined) throw new Error('nothing to ask');
    const text = `EXPLAIN (COSTS OFF) ${statement.text}`;
    const lines = await store.sql<{ 'QUERY PLAN': string }>(text, [...(statement.values ?? [])]);
    return lines.map((line) => line['QUERY PLAN']).join('\n');
  }

  it.each<[string, Partial<SearchOrders>]>([
    ['a list of their orders', { customerId: owner }],
    ['a search without filters', {}],
    ['a search by total', { orderBy: 'total' }],
    ['a search by a word that all orders have', { query: 'teapot', orderBy: 'relevance' }],
  ])('reads no order of another customer for %s', async (_, search) => {
    const chosen = await plan(search);
    expect(chosen).toMatch(/Index Scan .*order_view_customer/);
    expect(chosen).toContain(`Index Cond: (customer_id = '${owner}'::uuid)`);
  });

  it('reads nothing for the list of another customer', async () => {
    expect(await plan({ customerId: randomUUID() })).toContain('One-Time Filter: false');
  });
});
