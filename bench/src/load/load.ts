import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import { orderCodec } from '@ordermesh/command/order-codec';
import { orderStateCodec } from '@ordermesh/command/order-state-codec';
import { load, snapshots, stateCache } from '@ordermesh/event-sourcing';
import { type OrderState, orderDecider } from '@ordermesh/order';
import { withClient } from '@ordermesh/testing';
import { emmett as emmettLog } from '../append/emmett.ts';
import { openStore, ordermesh } from '../append/ordermesh.ts';
import { drive, forMs } from '../measure/drive.ts';
import { interleaved } from '../measure/rounds.ts';
import { spreadOf } from '../measure/spread.ts';
import { figure, round, type Table } from '../measure/table.ts';
import { ownServer } from '../postgres/own-server.ts';
import type { Headline, Measured } from '../result.ts';
import { type EditedOrder, editedOrder, fillEdited } from './edited-order.ts';

const fullReplay = 'ordermesh, full replay';
const fromSnapshot = 'ordermesh, snapshot and tail';
const fromCache = 'ordermesh, cached';
/** Events between two snapshots: the default of SNAPSHOT_EVERY. */
const every = 100;
/** Events of others in each log. */
const others = 100_000;
const emmett = 'emmett aggregateStream';

/** A way to an order's state. */
interface Contestant {
  readonly name: string;
  /** @returns the version that it has come to */
  load(orderId: string): Promise<number>;
}

/** How long loading an order takes, by the number of its events. */
export async function measureLoad({ quick }: { readonly quick: boolean }): Promise<Measured> {
  const [rounds, runMs] = quick ? [3, 300] : [5, 1000];
  const lengths = [100, 1_000, 10_000];
  await using opened = new AsyncDisposableStack();
  const server = opened.use(await ownServer());
  const url = await server.createDatabase();
  const { store } = opened.use(await openStore(url));
  await withClient(url, (client) => ordermesh({ keys: true }).fill(client, others));
  const orders = lengths.map((length) => ({ length, order: editedOrder() }));
  const decider = orderDecider({ minimums: new Map(), estimatedDeliveryDays: 5 });
  const aggregate = { store, decider, codec: orderCodec };
  const taken = opened.use(snapshots({ store, codec: orderStateCodec, every }));
  const snapshotted = { ...aggregate, snapshots: taken };
  const cached = { ...aggregate, cache: stateCache<OrderState>(64 * 2 ** 20) };
  for (const { length, order } of orders) {
    // Half way to the next snapshot: the tail of the average load.
    const tail = every / 2;
    await withClient(url, (client) => fillEdited(client, order, 1, length - tail));
    await load(snapshotted, order.orderId);
    await taken.idle();
    await withClient(url, (client) => fillEdited(client, order, length - tail + 1, length));
  }
  await withClient(url, (client) => client.query('VACUUM ANALYZE'));
  const contestants: Contestant[] = [
    {
      name: fullReplay,
      load: async (orderId) => (await load(aggregate, orderId)).version,
    },
    {
      name: fromSnapshot,
      load: async (orderId) => (await load(snapshotted, orderId)).version,
    },
    {
      name: fromCache,
      load: async (orderId) => (await load(cached, orderId)).version,
    },
    await emmettOf(opened, await server.createDatabase(), orders),
  ];
  const samples: number[][][] = [];
  for (const { length, order } of orders) {
    const taken = await interleaved(rounds, contestants, async (one) => {
      const { perSecond } = await drive(1, forMs(runMs), () => async () => {
        const version = await one.load(order.orderId);
        if (version !== length) throw new Error(`${one.name} came to ${version} of ${length}`);
      });
      return 1000 / perSecond;
    });
    samples.push(taken);
  }
  const table: Table = {
    title: 'Loading an order',
    unit: 'ms',
    head: 'events of the order',
    columns: lengths.map(round),
    rows: contestants.map(({ name }, index) => ({
      name,
      cells: samples.map((taken) => spreadOf(taken[index] ?? [])),
    })),
  };
  return {
    settings: {
      postgres: server.description,
      work: 'one order of 20 products, each event a new quantity of one, in a log of 100 thousand events of others; one caller',
      snapshots: `every ${every} events; the tail of the loads is half of that`,
      [emmett]: '0.42.0, defaults; folds the same events as plain JSON',
      rounds: `${rounds} of ${runMs} ms, interleaved; median (min–max)`,
    },
    tables: [table],
    headlines: [
      against(table, fromSnapshot, fullReplay),
      against(table, fromCache, fullReplay),
      against(table, fullReplay, emmett),
      against(table, fromSnapshot, emmett),
    ],
  };
}

function against(table: Table, mine: string, other: string): Headline {
  const [ours, theirs] = [mine, other].map((name) => figure(table, name, '1,000').median);
  return {
    figure: `load of an order of 1,000 events, ${mine.replace('ordermesh, ', '')}`,
    ours: `${round(ours as number)} ms`,
    beside: `${other.replace('ordermesh, ', '')} ${round(theirs as number)} ms`,
    ratio: `${round((theirs as number) / (ours as number))}x`,
  };
}

async function emmettOf(
  opened: AsyncDisposableStack,
  url: string,
  orders: readonly { readonly length: number; readonly order: EditedOrder }[],
): Promise<Contestant> {
  const store = getPostgreSQLEventStore(url);
  opened.defer(() => store.close());
  await store.schema.migrate();
  await withClient(url, (client) => emmettLog.fill(client, others));
  for (const { length, order } of orders) {
    for (let from = 1; from <= length; from += 1000) {
      const count = Math.min(1000, length - from + 1);
      const events = Array.from({ length: count }, (_, i) => {
        const { type, data } = order.event(from + i);
        return { type, data: JSON.parse(data) as Record<string, unknown> };
      });
      await store.appendToStream(order.orderId, events);
    }
  }
  await withClient(url, (client) => client.query('VACUUM ANALYZE'));
  return {
    name: emmett,
    async load(orderId) {
      const { state } = await store.aggregateStream<State, Edited>(orderId, {
        initialState: () => ({ version: 0, items: new Map(), total: undefined }),
        // Changes the map in place, which costs less than ordermesh's copies.
        evolve: ({ version, items }: State, { data: { item, total } }: Edited): State => {
          if (item !== undefined) items.set(item.productId, item);
          return { version: version + 1, items, total };
        },
      });
      return state.version;
    },
  };
}

interface State {
  readonly version: number;
  readonly items: Map<string, unknown>;
  readonly total: unknown;
}

type Edited = {
  readonly type: string;
  readonly data: { readonly item?: { readonly productId: string }; readonly total?: unknown };
};
