import { randomUUID } from 'node:crypto';
import { type Mesh, startMesh } from '@ordermesh/e2e/mesh';
import { eventually, withClient } from '@ordermesh/testing';
import { spreadOf } from '../measure/spread.ts';
import { round, type Table } from '../measure/table.ts';
import { eventsPerOrder, fillOrders } from '../orders/fill-orders.ts';
import { partitions } from '../postgres/log-database.ts';
import { ownServer } from '../postgres/own-server.ts';
import type { Measured } from '../result.ts';
import { elasticsearchTotals, postgresTotals, requireTotals } from './view-totals.ts';

/**
 * How long the mesh takes to build its views from empty: the log is filled while the projector stands still, and the clock runs from the start of
 * another one to the last checkpoint.
 */
export async function rebuild({ quick }: { readonly quick: boolean }): Promise<Measured> {
  const orders = quick ? 5_000 : 20_000;
  const events = orders * eventsPerOrder;
  const embedded = await rebuildIn('embedded', orders);
  const real = await rebuildIn('real', orders);
  const columns = ['PostgreSQL', 'Elasticsearch'];
  const table: Table = {
    title: `${events} events into views, from empty`,
    unit: 's',
    head: 'bus',
    columns,
    rows: [
      { name: 'log itself as the bus', cells: columns.map((store) => seconds(embedded, store)) },
      { name: 'Kafka, both stores at once', cells: columns.map((store) => seconds(real, store)) },
    ],
  };
  const [postgres, elasticsearch] = columns.map((store) => real.get(store) ?? Number.NaN);
  return {
    settings: {
      work: `orders of ${eventsPerOrder} events, 250 abreast, one customer; ${partitions} partitions; whole processes, as started by npm start and npm run start:full`,
      rounds: '1; the clock includes the start of the projector',
    },
    tables: [table],
    headlines: [
      {
        figure: `rebuild of ${round(events)} events from empty, Kafka into both stores`,
        ours: `${round(Math.max(postgres as number, elasticsearch as number))} s`,
        beside: `log into PostgreSQL alone ${round(embedded.get('PostgreSQL') as number)} s`,
        ratio: '',
      },
    ],
  };
}

type Seconds = ReadonlyMap<string, number>;

const seconds = (took: Seconds, store: string) => {
  const value = took.get(store);
  return value === undefined ? null : spreadOf([value]);
};

async function rebuildIn(engines: 'embedded' | 'real', orders: number): Promise<Seconds> {
  await using server = await ownServer();
  await using mesh = await startMesh({
    engines,
    databaseUrl: server.url,
    env: { LOG_LEVEL: 'info' }, // the supervisor's lines say which process runs
  });
  const [logUrl, viewUrl] = ['log', 'view'].map((name) => databaseOf(server.url, name));
  await Promise.all((['command', 'projector', 'customer'] as const).map(mesh.ready));
  const customerId = await registerCustomer(mesh);
  const projector = mesh.pidOf('projector');
  process.kill(projector, 'SIGSTOP');
  const heads = await withClient(logUrl as string, async (client) => {
    await fillOrders(client, { orders, partitions, customerId });
    await client.query("SELECT pg_notify('ordermesh_log', '')");
    const { rows } = await client.query<{ head: string }>(
      'SELECT max(position) AS head FROM events GROUP BY partition ORDER BY 1',
    );
    const heads = rows.map(({ head }) => head);
    const relayed = async () => {
      const { rows } = await client.query<{ position: string }>('SELECT position FROM relay');
      return rows[0]?.position === heads.at(-1);
    };
    if (engines === 'real') await eventually(relayed, { withinMs: 120_000, everyMs: 50 });
    return heads;
  });
  const whole = { orders, versions: orders * eventsPerOrder };
  const start = performance.now();
  await mesh.kill('projector');
  const took = new Map<string, number>();
  const built = async (store: string, positions: () => Promise<readonly unknown[]>) => {
    const isBuilt = async () => {
      const there = new Set((await positions().catch(() => [])).map(String)); // no index yet
      return heads.every((head) => there.has(head));
    };
    await eventually(isBuilt, { withinMs: 300_000, everyMs: 50 });
    took.set(store, (performance.now() - start) / 1000);
  };
  const inPostgres = built('PostgreSQL', () =>
    withClient(viewUrl as string, async (client) => {
      const text = "SELECT position FROM projection_checkpoint WHERE projection LIKE 'orders-pg@%'";
      return (await client.query<{ position: string }>(text)).rows.map(({ position }) => position);
    }),
  );
  const url = mesh.engines?.elasticsearch.url;
  const inElasticsearch = url && built('Elasticsearch', () => checkpointsIn(url));
  await Promise.all([inPostgres, inElasticsearch]);
  await requireTotals(() => postgresTotals(viewUrl as string), whole);
  if (url) await requireTotals(() => elasticsearchTotals(url, 'orders-es'), whole);
  return took;
}

async function checkpointsIn(url: string): Promise<readonly unknown[]> {
  const response = await fetch(`${url}/orders-es-checkpoints/_mget`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ids: Array.from({ length: partitions }, (_, id) => String(id)) }),
  });
  type Found = { readonly docs?: readonly { readonly _source?: { readonly position: unknown } }[] };
  const { docs = [] } = (await response.json()) as Found;
  return docs.map(({ _source }) => _source?.position);
}

async function registerCustomer(mesh: Mesh): Promise<string> {
  const customerId = randomUUID();
  const response = await fetch(`${mesh.url}/v1/customers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ customerId, name: 'Ada Lovelace', email: 'ada@example.com' }),
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return customerId;
}

function databaseOf(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `ordermesh_${name}`;
  return url.href;
}
