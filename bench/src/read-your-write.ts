import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Mesh, processes, startMesh } from '@ordermesh/e2e/mesh';
import { cpuTimeMs } from './measure/cpu-time.ts';
import { ms, percentile } from './measure/percentiles.ts';

const orders = 500;
const everyMs = 20;
const idleMs = 20_000;

/**
 * How long a caller waits to read its own write: POST /v1/orders, then GET with `minVersion=1`, and POST, then a search with its token. Beside it,
 * in the same run, the POST alone and a GET that waits for nothing, and what the five processes cost while nobody asks.
 */
export async function readYourWrite(engines: 'embedded' | 'real'): Promise<void> {
  await using mesh = await startMesh({ engines, env: { LOG_LEVEL: 'info' } });
  const customerId = await register(mesh);
  for (let i = 0; i < 100; i++) await placeAndRead(mesh, customerId); // warm-up

  const idle = await idleCpu(mesh);
  const samples: Sample[] = [];
  for (let i = 0; i < orders; i++) {
    samples.push(await placeAndRead(mesh, customerId));
    await sleep(everyMs);
  }
  const rows = [
    ['POST', samples.map(({ postMs }) => postMs)],
    ['GET minVersion right after', samples.map(({ waitedMs }) => waitedMs)],
    ['POST + GET minVersion', samples.map(({ postMs, waitedMs }) => postMs + waitedMs)],
    ['search with the token right after', samples.map(({ searchMs }) => searchMs)],
    ['POST + search with its token', samples.map(({ postMs, searchMs }) => postMs + searchMs)],
    ['GET of an order seen before', samples.map(({ plainMs }) => plainMs)],
  ] as const;
  console.log(
    `${orders} orders, one at a time, ${everyMs} ms apart; ${engines} engines; ${availableParallelism()} cores\n`,
  );
  console.log('| step | p50 ms | p99 ms | max ms |\n|---|---|---|---|');
  for (const [step, values] of rows) {
    const sorted = values.toSorted((a, b) => a - b);
    const cells = [percentile(sorted, 0.5), percentile(sorted, 0.99), percentile(sorted, 1)].map(
      ms,
    );
    console.log(`| ${step} | ${cells.join(' | ')} |`);
  }
  console.log(`\nIdle CPU over ${idleMs / 1000} s, % of one core\n\n| process | % |\n|---|---|`);
  for (const [name, percent] of idle) console.log(`| ${name} | ${percent.toFixed(2)} |`);
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

async function idleCpu(mesh: Mesh): Promise<[string, number][]> {
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
  shippingAddress: {
    recipient: 'Ada Lovelace',
    line1: '12 St James’s Square',
    city: 'London',
    postalCode: 'SW1Y 4JH',
    countryCode: 'GB',
  },
});
