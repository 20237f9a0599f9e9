import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { startMesh } from '@ordermesh/e2e/mesh';
import { startApp } from '@ordermesh/testing';
import { cpuTimeMs } from '../measure/cpu-time.ts';
import { drive, forMs } from '../measure/drive.ts';
import { percentile } from '../measure/percentiles.ts';
import { interleaved } from '../measure/rounds.ts';
import { spreadOf } from '../measure/spread.ts';
import type { Table } from '../measure/table.ts';
import { shippingAddress } from '../orders/fill-orders.ts';

const callers = 8;
/** Nobody reaches it. */
const config = JSON.stringify({
  policies: [{ name: 'client', by: 'caller', burst: 1_000_000_000, perSecond: 1_000_000 }],
});

interface Gateway {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
}

/**
 * What the limiter adds to GET /v1/orders/{id}: gateways before the same services, one without limits, one that counts by itself, one that counts in Redis.
 * The policies in front of the services are on in all of them.
 */
export async function measureGateway(
  redisUrl: string,
  rounds: number,
  runMs: number,
): Promise<Table> {
  await using opened = new AsyncDisposableStack();
  const mesh = opened.use(await startMesh({ engines: 'embedded' }));
  const start = async (name: string, env: Readonly<Record<string, string>>): Promise<Gateway> => {
    const folder = fileURLToPath(new URL('../../../apps/gateway', import.meta.url));
    const gateway = opened.use(
      startApp(folder, {
        GATEWAY_PORT: '0',
        GATEWAY_ADMIN_PORT: '0',
        COMMAND_ADDRESS: mesh.address.command,
        QUERY_ADDRESS: mesh.address.query,
        CUSTOMER_ADDRESS: mesh.address.customer,
        RATE_LIMIT_CONFIG: config,
        REDIS_URL: '',
        ...env,
      }),
    );
    const { port } = await gateway.logged('ready');
    return { name, url: `http://127.0.0.1:${port}`, pid: gateway.pid };
  };
  const gateways = [
    await start('no limiter', { RATE_LIMIT: 'off' }),
    await start('limiter in process', { RATE_LIMIT: 'on' }),
    await start('limiter in Redis', { RATE_LIMIT: 'on', RATE_LIMIT_REDIS_URL: redisUrl }),
  ];
  const path = `/v1/orders/${await placed(mesh.url)}`;
  const run = async ({ url, pid }: Gateway, ms: number) => {
    const before = cpuTimeMs(pid);
    const { latenciesMs, calls } = await drive(callers, forMs(ms), () => async () => {
      const answer = await fetch(url + path);
      await answer.arrayBuffer();
      if (answer.status !== 200) throw new Error(`GET was answered ${answer.status}`);
    });
    const cpuMs = (cpuTimeMs(pid) - before) / calls;
    return [percentile(latenciesMs, 0.5), percentile(latenciesMs, 0.99), cpuMs] as const;
  };
  for (const gateway of gateways) await run(gateway, 2_000); // compiled
  const samples = await interleaved(rounds, gateways, (gateway) => run(gateway, runMs));
  return {
    title: `GET /v1/orders/{id} through a gateway, ${callers} callers`,
    unit: 'ms',
    head: 'gateway',
    columns: ['p50', 'p99', 'CPU time of the gateway per request'],
    rows: gateways.map(({ name }, index) => ({
      name,
      cells: ([0, 1, 2] as const).map((column) =>
        spreadOf((samples[index] ?? []).map((sample) => sample[column])),
      ),
    })),
  };
}

/** @returns the id of an order that can be read */
async function placed(url: string): Promise<string> {
  const order = {
    orderId: randomUUID(),
    customerId: randomUUID(),
    items: [
      {
        productId: randomUUID(),
        productName: 'Tea',
        quantity: 1,
        unitPrice: { currencyCode: 'USD', minorUnits: '5000' },
      },
    ],
    shippingAddress,
  };
  const created = await fetch(`${url}/v1/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  });
  if (created.status !== 201) throw new Error(`POST was answered ${await created.text()}`);
  await fetch(`${url}/v1/orders/${order.orderId}?minVersion=1`);
  return order.orderId;
}
