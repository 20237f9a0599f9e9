import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually, frozen } from '@ordermesh/testing';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Reply, rest } from './support/api.ts';
import { databasesGone } from './support/database.ts';
import { type Acknowledged, type Ledger, ledger } from './support/ledger.ts';
import { type Load, placing, startLoad } from './support/load.ts';
import { type Mesh, startMesh } from './support/mesh.ts';
import { lastingMetricFaults } from './support/metrics.ts';
import type { RealEngines } from './support/real-engines.ts';
import { expectIndexWhole } from './support/search-index.ts';
import { expectWhole } from './support/whole.ts';

/** How long an engine is away. Longer than Kafka's client and the reader's circuit wait before their second try. */
const outageMs = process.env.SOAK ? 30_000 : 5_000;
/** How long a cached view is fresh: shorter than any outage. */
const freshMs = 200;
/** What the table of metrics says that some of them need, and this mesh has. */
const metricNeeds = ['Kafka', 'Kafka or Redis bus', 'Redis', 'Elasticsearch'];
/** REQUEST_TIMEOUT_MS by default, and what a busy machine may add. */
const answerWithinMs = 2_000 + 1_500;

let mesh: Mesh;
let engines: RealEngines;
let book: Ledger;
beforeAll(async () => {
  mesh = await startMesh({ engines: 'real', env: { READ_CACHE_FRESH_MS: String(freshMs) } });
  engines = mesh.engines as RealEngines;
  book = ledger(mesh.url);
});
afterAll(() => mesh?.[Symbol.asyncDispose]());
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(mesh.lines.slice(-100).join('\n'));
});

/** Runs `meanwhile` under load, and again says how long it took after it until an order passed through the whole mesh. */
async function underLoad(meanwhile: (load: Load) => Promise<void>): Promise<number> {
  const load = await startLoad(mesh, book);
  try {
    await load.probe();
    await meanwhile(load);
    const started = performance.now();
    await load.probe();
    return performance.now() - started;
  } finally {
    await load.stop();
  }
}

async function expectAllWhole(): Promise<string> {
  const { orders, events } = await expectWhole(mesh, book);
  await expectIndexWhole(mesh);
  return `${orders} orders, ${events} events in log, views and index`;
}

const inSeconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

test('every process exports what docs/metrics.md says of it on these engines, before any fault', async () => {
  const order = await placed();
  await eventually(async () =>
    expect((await get(`/v1/orders/${order.orderId}?minVersion=1`)).status).toBe(200),
  );
  // Waits, and looks into every store.
  expect((await get(`/v1/orders/${order.orderId}?minVersion=9`)).status).toBe(503);
  // A refusal reads what is stored.
  const refused = await rest(mesh.url, 'POST', `/v1/orders/${order.orderId}/deliver`);
  expect(refused.status).toBe(409);
  expect(await lastingMetricFaults(mesh, metricNeeds)).toEqual([]);
});

test('while Kafka is dead, commands are accepted and reads go on; afterwards the backlog drains, nothing is lost and every order is as the log has it', async () => {
  const old = await placed();
  await get(`/v1/orders/${old.orderId}?minVersion=1`);
  const refusalsBefore = new Map(book.refusals);
  let meanwhile: readonly Acknowledged[] = [];
  const mended = await underLoad(async () => {
    const [broker] = engines.kafka.nodes;
    await broker?.kill();
    const before = book.acknowledged.length;
    const over = delay(outageMs);
    expect((await get(`/v1/orders/${old.orderId}`)).status).toBe(200);
    expect((await get('/v1/orders')).status).toBe(200);
    await over;
    meanwhile = book.acknowledged.slice(before);
    await broker?.restart();
  });
  const refusals = [...book.refusals].filter(
    ([why, times]) => times > (refusalsBefore.get(why) ?? 0),
  );
  expect(meanwhile.length).toBeGreaterThan(0);
  expect(meanwhile.filter(({ attempts }) => attempts > 1)).toEqual([]);
  // Only who asks for his own write was put off: the view is behind.
  expect(refusals.map(([why]) => why)).toContain('503 EVENTUAL_CONSISTENCY_TIMEOUT');
  console.log(
    `Kafka dead for ${inSeconds(outageMs)}: ${meanwhile.length} commands accepted meanwhile, whole again ${inSeconds(mended)} after its restart; ${await expectAllWhole()}`,
  );
});

test('kill -9 of the projector under load loses nothing and doubles nothing', async () => {
  const mended = await underLoad(() => mesh.kill('projector'));
  console.log(
    `projector killed: whole again after ${inSeconds(mended)}; ${await expectAllWhole()}`,
  );
});

const outages: [string, (engine: RealEngines['elasticsearch']) => Promise<() => Promise<void>>][] =
  [
    [
      'hangs',
      async ({ pid }) => {
        const hanging = frozen([pid]);
        return async () => hanging[Symbol.dispose]();
      },
    ],
    [
      'is dead',
      async (engine) => {
        await engine.kill();
        return engine.restart;
      },
    ],
  ];

test.each(outages)(
  'while Elasticsearch %s, single orders are read as ever, searches are answered by PostgreSQL and say so, and afterwards the index has everything',
  async (what, begin) => {
    const before = await placed();
    const found = await search(before);
    expect([found.status, degraded(found)]).toEqual([200, null]);

    const end = await begin(engines.elasticsearch);
    const searches: number[] = [];
    const lookups: number[] = [];
    const until = performance.now() + outageMs;
    try {
      while (performance.now() < until) {
        const order = await placed();
        const byToken = { 'consistency-token': order.consistencyToken };
        const lookup = await timed(() => get(`/v1/orders/${order.orderId}`, byToken));
        expect([lookup.answer.status, degraded(lookup.answer)]).toEqual([200, null]);
        lookups.push(lookup.ms);
        const searched = await timed(() => search(order));
        expect([searched.answer.status, degraded(searched.answer)]).toEqual([200, 'elasticsearch']);
        expect(searched.answer.body.orders).toMatchObject([{ orderId: order.orderId }]);
        expect(searched.ms).toBeLessThan(answerWithinMs);
        searches.push(searched.ms);
      }
    } finally {
      await end();
    }
    const mended = await timed(() =>
      eventually(async () => degraded(await search(before)) === null, { withinMs: 60_000 }),
    );
    console.log(
      `Elasticsearch ${what}: ${searches.length} searches, ${median(searches)} ms (at most ${most(searches)}), single orders ${median(lookups)} ms (at most ${most(lookups)}); searched again ${inSeconds(mended.ms)} after its end; ${await expectAllWhole()}`,
    );
  },
);

test('while Redis is dead or has forgotten everything, orders are written and read as ever', async () => {
  const readItself = async () => {
    const { orderId, consistencyToken } = await placed();
    const answer = await get(`/v1/orders/${orderId}`, { 'consistency-token': consistencyToken });
    expect(answer).toMatchObject({ status: 200, body: { order: { orderId } } });
    expect([stale(answer), degraded(answer)]).toEqual([null, null]);
  };
  await engines.redis.kill();
  for (let i = 0; i < 10; i++) await readItself();
  await engines.redis.restart(); // empty
  for (let i = 0; i < 10; i++) await readItself();
});

test('a single order is answered by Elasticsearch while PostgreSQL is gone, and while both are from the cache with its age, never older than asked for', async () => {
  const order = await placed();
  const path = `/v1/orders/${order.orderId}`;
  const byToken = { 'consistency-token': order.consistencyToken };
  const inBoth = async () =>
    (await get(path, byToken)).status === 200 && degraded(await search(order)) === null;
  await eventually(inBoth, { withinMs: 60_000 });
  await cached(order);
  const theOrder = { status: 200, body: { order: { orderId: order.orderId, version: 1 } } };
  {
    await using _gone = await databasesGone(mesh.dataDir);
    const byIndex = await eventually(async () => {
      const answer = await get(path); // an entry is answered as long as it is fresh
      return degraded(answer) !== null && answer;
    });
    expect(byIndex).toMatchObject(theOrder);
    expect([degraded(byIndex), stale(byIndex)]).toEqual(['postgresql', null]);

    await engines.elasticsearch.kill();
    try {
      // Redis is waited for 50 ms, which a busy machine may need.
      const byCache = await eventually(async () => {
        const answer = await get(`${path}?minVersion=1`, byToken);
        return stale(answer) !== null && answer;
      });
      expect(byCache).toMatchObject(theOrder);
      expect([degraded(byCache), stale(byCache)]).toEqual([null, expect.stringMatching(/^\d+$/)]);
      expect(Number(stale(byCache))).toBeGreaterThan(freshMs * 0.8);
      for (const refused of [`${path}?minVersion=2`, `/v1/orders/${randomUUID()}`])
        expect(await get(refused)).toMatchObject({
          status: 503,
          body: { reason: 'DEPENDENCY_UNAVAILABLE' },
        });
    } finally {
      await engines.elasticsearch.restart();
    }
  }
  await eventually(
    async () => {
      const answer = await get(path);
      return answer.status === 200 && degraded(answer) === null && stale(answer) === null;
    },
    { withinMs: 60_000 },
  );
});

const get = (path: string, headers?: Record<string, string>) =>
  rest(mesh.url, 'GET', path, undefined, headers);

const search = (order: Acknowledged) =>
  get(`/v1/orders?query=${order.orderId}`, { 'consistency-token': order.consistencyToken });

/** Resolves when the cache has an order: write-through and fill give up on a Redis that came back a moment ago. */
async function cached({ orderId }: Acknowledged): Promise<void> {
  const redis = new Redis(engines.redis.url);
  try {
    await eventually(async () => {
      await get(`/v1/orders/${orderId}`);
      return (await redis.exists(`order:read:${orderId}`)) === 1;
    });
  } finally {
    redis.disconnect();
  }
}

const degraded = (reply: Reply) => reply.headers.get('x-ordermesh-degraded');
const stale = (reply: Reply) => reply.headers.get('x-ordermesh-stale');

async function placed(): Promise<Acknowledged> {
  const done = await book.send(placing(randomUUID()));
  if (done === undefined) throw new Error(book.faults.join('\n'));
  return done;
}

async function timed<T>(
  ask: () => Promise<T>,
): Promise<{ readonly answer: T; readonly ms: number }> {
  const started = performance.now();
  return { answer: await ask(), ms: performance.now() - started };
}

const sorted = (times: readonly number[]) => times.toSorted((a, b) => a - b);
const median = (times: readonly number[]) =>
  sorted(times)[Math.floor((times.length - 1) / 2)]?.toFixed(0);
const most = (times: readonly number[]) => sorted(times).at(-1)?.toFixed(0);
