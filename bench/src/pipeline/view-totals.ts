import { fromBinary } from '@bufbuild/protobuf';
import { OrderSchema } from '@ordermesh/contract';
import { withClient } from '@ordermesh/testing';

/** What a store of views holds. */
export interface ViewTotals {
  readonly orders: number;
  /** Sum of their versions: the events they contain. */
  readonly versions: number;
}

/** Counts the views in a database. */
export const postgresTotals = (url: string): Promise<ViewTotals> =>
  withClient(url, async (client) => {
    const text =
      'SELECT count(*)::int AS orders, coalesce(sum(version), 0)::int AS versions FROM order_view';
    return (await client.query<ViewTotals>(text)).rows[0] as ViewTotals;
  });

/** Counts the views behind an alias; what was written before is seen. */
export async function elasticsearchTotals(url: string, alias: string): Promise<ViewTotals> {
  await fetch(`${url}/${alias}/_refresh`, { method: 'POST' });
  let [orders, versions] = [0, 0];
  for (let after: readonly unknown[] | undefined; ; ) {
    const body = {
      size: 10_000,
      sort: [{ order_id: 'asc' }],
      _source: ['doc'],
      search_after: after,
    };
    const response = await fetch(`${url}/${alias}/_search`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(await response.text());
    const { hits } = (await response.json()) as Hits;
    for (const { _source } of hits.hits)
      versions += fromBinary(OrderSchema, Buffer.from(_source.doc, 'base64')).version;
    orders += hits.hits.length;
    after = hits.hits.at(-1)?.sort;
    if (after === undefined) return { orders, versions };
  }
}

interface Hits {
  readonly hits: {
    readonly hits: readonly {
      readonly _source: { readonly doc: string };
      readonly sort: readonly unknown[];
    }[];
  };
}

/** The correctness oracle: the views are the fold of the log. @throws Error when they are not */
export async function requireTotals(
  totals: () => Promise<ViewTotals>,
  wanted: ViewTotals,
): Promise<void> {
  const { orders, versions } = await totals();
  if (orders !== wanted.orders || versions !== wanted.versions)
    throw new Error(
      `the run is void: ${orders} views with ${versions} events, instead of ${wanted.orders} with ${wanted.versions}`,
    );
}
