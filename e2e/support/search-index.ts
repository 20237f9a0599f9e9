import { fromBinary } from '@bufbuild/protobuf';
import { type Order, OrderSchema } from '@ordermesh/contract';
import { eventually } from '@ordermesh/testing';
import { expect } from 'vitest';
import { rowsOf } from './database.ts';
import type { Mesh } from './mesh.ts';

/** More than any test places; Elasticsearch answers no more at once. */
const most = 10_000;

interface LastEvent {
  readonly orderId: string;
  readonly version: number;
  readonly position: string;
}

/** Expects that the index becomes what the log says: every order once, at its last event, and no other; and that nothing was parked. */
export async function expectIndexWhole(mesh: Mesh): Promise<void> {
  const text =
    'SELECT DISTINCT ON (stream_id) stream_id AS "orderId", version, position FROM events ORDER BY stream_id, version DESC';
  const log = await rowsOf<LastEvent>(mesh.dataDir, 'ordermesh_log', text);
  const expected = log.map(({ orderId, version, position }) => `${orderId} ${version} ${position}`);
  let found: string[] = [];
  await eventually(
    async () => {
      const orders = await indexed(mesh, 'orders-es');
      found = orders.map(({ orderId, version, position }) => `${orderId} ${version} ${position}`);
      return found.length === expected.length && minus(expected, found).length === 0;
    },
    { withinMs: 60_000, everyMs: 250 },
  ).catch(() => undefined); // the next line says what it was
  // As two differences, because a list of thousands says nothing.
  expect({ missing: minus(expected, found), wrong: minus(found, expected) }).toEqual({
    missing: [],
    wrong: [],
  });
  expect((await hits(mesh, 'orders-es-dead-letters')).length).toBe(0);
}

async function indexed(mesh: Mesh, alias: string): Promise<Order[]> {
  const found = await hits(mesh, alias);
  return found.map(({ _source }) => fromBinary(OrderSchema, Buffer.from(_source.doc, 'base64')));
}

interface Hit {
  readonly _source: { readonly doc: string };
}

async function hits(mesh: Mesh, alias: string): Promise<readonly Hit[]> {
  const { engines } = mesh;
  if (engines === undefined) throw new Error('this mesh has no Elasticsearch');
  const url = `${engines.elasticsearch.url}/${alias}`;
  await fetch(`${url}/_refresh`, { method: 'POST' });
  const response = await fetch(`${url}/_search?size=${most}&_source=doc`);
  const body = (await response.json()) as { hits: { hits: readonly Hit[] } };
  if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(body)}`);
  return body.hits.hits;
}

/** The elements of `all` that `others` lacks. */
function minus(all: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  return all.filter((one) => !known.has(one));
}
