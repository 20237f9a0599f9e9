import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Mesh, processes, startMesh } from '@ordermesh/e2e/mesh';
import { cpuTimeMs } from './measure/cpu-time.ts';
import { percentile } from './measure/percentiles.ts';
import { spreadOf } from './measure/spread.ts';
import { figure, round, type Table } from './measure/table.ts';
import { shippingAddress } from './orders/fill-orders.ts';
import type { Headline, Measured } from './result.ts';

const everyMs = 20;

/**
 * How long a caller waits to read its own write: POST /v1/orders, then GET with `minVersion=1`, and POST, then a search with its token. Beside it,
 * in the same run, the POST alone and a GET that waits for nothing, and what the five processes cost while nobody asks.
 */
export async function readYourWrite({ quick }: { readonly quick: boolean }): Promise<Measured> {
  const [orders, idleMs] = quick ? [100, 5_000] : [500, 20_000];
  const tables: Table[] = [];
  const headlines: Headline[] = [];
  for (const engines of ['embedded', 'real'] as const) {
    const [latencies, idle] = await measure(engines, orders, idleMs);
    tables.push(latencies, idle);
    const cells = (step: string) =>
      ['p50', 'p99'].map((column) => round(figure(latencies, step, column).median));
    headlines.push(
      ...[steps.postAndGet, steps.postAndSearch].map((step) => ({
        figure: `${step}, ${named[engines]}`,
        ours: `p50 ${cells(step)[0]} ms, p99 ${cells(step)[1]} ms`,
        beside: `${steps.post} alone p50 ${cells(steps.post)[0]} ms, p99 ${cells(steps.post)[1]} ms`,
        ratio: '',
      })),
    );
  }
  return {
    settings: {
      work: `${orders} orders through REST, one at a time, ${everyMs} ms apart`,
      rounds: `1; idle CPU over ${idleMs / 1000} s`,
    },
    tables,
    headlines,
  };
}

const named = { embedded: 'embedded', real: 'Kafka + Elasticsearch' };
const steps = {
  post: 'POST',
  get: 'GET minVersion right after',
  postAndGet: 'POST + GET minVersion',
  search: 'search with the token right after',
  postAndSearch: 'POST + search with its token',
  plain: 'GET of an order seen before',
};

async function measure(
  engines: 'embedded' | 'real',
  orders: number,
  idleMs: number,
): Promise<[latencies: Table, idle: Table]> {
  // The supervisor's lines say which process runs.
  await using mesh = await startMesh({ engines, env: { LOG_LEVEL: 'info' } });
  const customerId = await register(mesh);
  for (let i = 0; i < 100; i++) await placeAndRead(mesh, customerId); // warm-up

  const idle = await idleCpu(mesh, idleMs);
  const samples: Sample[] = [];
  for (let i = 0; i < orders; i++) {
    samples.push(await placeAndRead(mesh, customerId));
    await sleep(everyMs);
  }
  const rows: readonly (readonly [string, readonly number[]])[] = [
    [steps.post, samples.map(({ postMs }) => postMs)],
    [steps.get, samples.map(({ waitedMs }) => waitedMs)],
    [steps.postAndGet, samples.map(({ postMs, waitedMs }) => postMs + waitedMs)],
    [steps.search, samples.map(({ searchMs }) => searchMs)],
    [steps.postAndSearch, samples.map(({ postMs, searchMs }) => postMs + searchMs)],
    [steps.plain, samples.map(({ plainMs }) => plainMs)],
  ];
  const title = `Reading one's own write, ${named[engines]}`;
  const latencies: Table = {
    ...{ title, unit: 'ms', head: 'step', columns: ['p50', 'p99', 'max'] },
    rows: rows.map(([name, values]) => {
      const sorted = values.toSorted((a, b) => a - b);
      return { name, cells: [0.5, 0.99, 1].map((share) => spreadOf([percentile(sorted, share)])) };
    }),
  };
  const cpu: Table = {
    title: `Idle, ${named[engines]}`,
    unit: '% of one core',
    head: 'process',
    columns: ['CPU'],
    rows: idle.map(([name, percent]) => ({ name, cells: [spreadOf([percent])] })),
  };
  return [latencies, cpu];
}

interface Sample {
  readonly postMs: number;
  readonly waitedMs: number;
  readonly plainMs: number;
  readonly searchMs: number;
}

async function placeAndRead(mesh: Mesh, customerId: string): Promise<Sample> {
  const t0 = performance.now();
  const { order } = await place(mesh, customerId);
  const t1 = performance.now();
  await expectOk(await fetch(`${mesh.url}/v1/orders/${order.orderId}?minVersion=1`));
  const t2 = performance.now();
  await expectOk(await fetch(`${mesh.url}/v1/orders/${order.orderId}`));
  const t3 = performance.now();
  const searched = await place(mesh, customerId); // another one: the first is indexed by now
  const t4 = performance.now();
  await expectFound(mesh, searched);
  const t5 = performance.now();
  return { postMs: t1 - t0, waitedMs: t2 - t1, plainMs: t3 - t2, searchMs: t5 - t4 };
}

interface Placed {
  readonly order: { readonly orderId: string };
  readonly consistencyToken: string;
}

async function place(mesh: Mesh, customerId: string): Promise<Placed> {
  const body = JSON.stringify(orderOf(customerId));
  const headers = { 'content-type': 'application/json' };
  const placed = await fetch(`${mesh.url}/v1/orders`, { method: 'POST', headers, body });
  return (await placed.json()) as Placed;
}

async function expectFound(mesh: Mesh, { order, consistencyToken }: Placed): Promise<void> {
  const headers = { 'consistency-token': consistencyToken };
  const response = await fetch(`${mesh.url}/v1/orders?query=${order.orderId}`, { headers });
  const { orders } = (await response.json()) as { orders?: readonly unknown[] };
  const isDegraded = response.headers.has('x-ordermesh-degraded');
  if (orders?.length !== 1 || isDegraded) throw new Error(`${response.status}: not found`);
}

async function expectOk(response: Response): Promise<void> {
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
}

async function register(mesh: Mesh): Promise<string> {
  const customerId = randomUUID();
  await expectOk(
    await fetch(`${mesh.url}/v1/customers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ customerId, name: 'Ada Lovelace', email: 'ada@example.com' }),
    }),
  );
  return customerId;
}

async function idleCpu(mesh: Mesh, idleMs: number): Promise<[string, number][]> {
  const used = () => processes.map((name) => cpuTimeMs(mesh.pidOf(name)));
  await sleep(2_000); // what the warm-up started settles
  const before = used();
  await sleep(idleMs);
  const after = used();
  return processes.map((name, i) => [name, ((after[i] ?? 0) - (before[i] ?? 0)) / (idleMs / 100)]);
}

const orderOf = (customerId: string) => ({
  customerId,
  items: [
    {
      productId: randomUUID(),
      productName: 'Green tea',
      quantity: 2,
      unitPrice: { currencyCode: 'USD', minorUnits: '1250' },
    },
  ],
  shippingAddress,
});
