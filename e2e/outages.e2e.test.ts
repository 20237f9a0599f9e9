import { randomUUID } from 'node:crypto';
import { eventually, frozen } from '@ordermesh/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Reply, rest } from './support/api.ts';
import { kill } from './support/kill.ts';
import { type Acknowledged, type Ledger, ledger } from './support/ledger.ts';
import { placing, registered, startLoad } from './support/load.ts';
import { type Mesh, type ProcessName, processes, startMesh } from './support/mesh.ts';
import { expectWhole } from './support/whole.ts';

/** REQUEST_TIMEOUT_MS and MIN_VERSION_WAIT_MS, as they are by default. */
const bounds = { request: 2_000, minVersion: 1_500 };
/** What a machine that does other things, too, may add to a bound. */
const margin = 1_500;

/** Answers that say "not now", as a ledger names them. */
const unavailable =
  /^503 (DEPENDENCY_UNAVAILABLE|OUTCOME_UNKNOWN|EVENTUAL_CONSISTENCY_TIMEOUT|OVERLOADED)$/;

let mesh: Mesh;
let book: Ledger;
beforeAll(async () => {
  mesh = await startMesh({ env: { CUSTOMER_FAULTS: 'on' } });
  book = ledger(mesh.url);
});
afterAll(() => mesh?.[Symbol.asyncDispose]());
beforeEach(async () => {
  for (const name of processes) await mesh.ready(name);
});

const get = (path: string) => rest(mesh.url, 'GET', path);
const freeze = (name: ProcessName) => frozen([mesh.pidOf(name)]);

async function placed(customerId?: string): Promise<Acknowledged> {
  const done = await book.send(placing(randomUUID(), customerId));
  if (done === undefined) throw new Error(book.faults.join('\n'));
  return done;
}

/** Runs `ask` and says how long it took, in milliseconds. */
async function timed<T>(
  ask: () => Promise<T>,
): Promise<{ readonly answer: T; readonly ms: number }> {
  const started = performance.now();
  return { answer: await ask(), ms: performance.now() - started };
}

function expectProblem(reply: Reply, status: number, reason: string): void {
  expect([reply.status, reply.body.reason]).toEqual([status, reason]);
  expect(reply.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  if (status === 503) expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
}

describe('while the customer service', () => {
  const faults = (wanted: { latencyMs?: number; failRatio?: number }) =>
    rest(mesh.admin.customer, 'POST', '/faults', wanted);
  const withFaults = async (wanted: { latencyMs?: number; failRatio?: number }) => {
    expect((await faults(wanted)).status).toBe(200);
    return { [Symbol.asyncDispose]: async () => void (await faults({})) };
  };
  const outages: [string, () => Promise<AsyncDisposable>][] = [
    [
      'hangs',
      async () => {
        const hanging = freeze('customer');
        return { [Symbol.asyncDispose]: async () => hanging[Symbol.dispose]() };
      },
    ],
    ['takes 5 s to answer', () => withFaults({ latencyMs: 5_000 })],
    ['fails every call', () => withFaults({ failRatio: 1 })],
    [
      'is killed',
      async () => {
        await mesh.kill('customer');
        const successor = freeze('customer'); // before it listens: it would be back within a second
        return { [Symbol.asyncDispose]: async () => successor[Symbol.dispose]() };
      },
    ],
  ];

  test.each(outages)(
    '%s, orders appear without its fields, and get them afterwards',
    async (what, begin) => {
      // Each of a customer of its own, which the projector has never asked for.
      const customers = await Promise.all(Array.from({ length: 5 }, () => registered(mesh.url)));
      const outage = await begin();
      const shown: number[] = [];
      const orders: Acknowledged[] = [];
      for (const customerId of customers) {
        const order = await placed(customerId);
        orders.push(order);
        const { answer, ms } = await timed(() => get(`/v1/orders/${order.orderId}?minVersion=1`));
        expect([answer.status, answer.body.order?.enrichment]).toEqual([200, 'ENRICHMENT_PENDING']);
        shown.push(ms);
      }
      const mended = await timed(async () => {
        await outage[Symbol.asyncDispose]();
        for (const { orderId } of orders)
          await eventually(
            async () =>
              (await get(`/v1/orders/${orderId}`)).body.order.enrichment === 'ENRICHMENT_DONE',
            { withinMs: 30_000 },
          );
      });
      console.log(
        `customer ${what}: orders in the view after ${shown.map((ms) => ms.toFixed(0)).join(', ')} ms, names ${mended.ms.toFixed(0)} ms after its end`,
      );
    },
  );
});

describe('while the projector hangs', () => {
  test('a read that asks for a version hears within its bound that the view is behind, others go on, and afterwards all is there', async () => {
    const order = await placed(await registered(mesh.url));
    await get(`/v1/orders/${order.orderId}?minVersion=1`);
    const path = `/v1/orders/${order.orderId}`;
    const confirmed: Acknowledged[] = [];
    {
      using _hanging = freeze('projector');
      const confirm = {
        orderId: order.orderId,
        version: 2,
        event: 'OrderConfirmed',
        path: `${path}/confirm`,
        body: {},
      };
      confirmed.push((await book.send(confirm)) as Acknowledged);
      const behind = await timed(() => get(`${path}?minVersion=2`));
      expectProblem(behind.answer, 503, 'EVENTUAL_CONSISTENCY_TIMEOUT');
      expect(behind.answer.body.metadata.currentVersion).toBe('1');
      expect(behind.ms).toBeGreaterThan(bounds.minVersion - 50);
      expect(behind.ms).toBeLessThan(bounds.minVersion + margin);
      const { consistencyToken } = confirmed[0] as Acknowledged;
      const byToken = await rest(mesh.url, 'GET', path, undefined, {
        'consistency-token': consistencyToken,
      });
      expectProblem(byToken, 503, 'EVENTUAL_CONSISTENCY_TIMEOUT');
      const without = await get(path);
      expect([without.status, without.body.order.version]).toEqual([200, 1]);
      expect((await get('/v1/orders')).status).toBe(200);
    }
    await eventually(async () => (await get(`${path}?minVersion=2`)).body.order.version === 2, {
      withinMs: 30_000,
    });
  });
});

describe('while the query service', () => {
  test('is killed, the gateway answers reads with 503 and Retry-After until it is back, and commands go on', async () => {
    const { orderId } = await placed();
    await get(`/v1/orders/${orderId}?minVersion=1`);
    process.kill(mesh.pidOf('query'), 'SIGKILL');
    const answers: { readonly answer: Reply; readonly ms: number }[] = [];
    await eventually(
      async () => {
        const read = await timed(() => get(`/v1/orders/${orderId}`));
        answers.push(read);
        return read.answer.status === 200;
      },
      { withinMs: 30_000 },
    );
    const refused = answers.slice(0, -1);
    expect(refused.length).toBeGreaterThan(0);
    for (const { answer, ms } of refused) {
      expectProblem(answer, 503, 'DEPENDENCY_UNAVAILABLE');
      expect(ms).toBeLessThan(bounds.request + margin);
    }
    await placed();
  });

  test('hangs, reads end at their deadline, and commands go on', async () => {
    const { orderId } = await placed();
    using _hanging = freeze('query');
    const { answer, ms } = await timed(() => get(`/v1/orders/${orderId}`));
    expectProblem(answer, 504, 'DEADLINE_EXCEEDED');
    expect(ms).toBeLessThan(bounds.request + margin);
    await placed();
  });
});

describe('while the command service hangs', () => {
  test('a command ends at its deadline, reads go on, and its key tells afterwards what became of it', async () => {
    const old = await placed();
    await get(`/v1/orders/${old.orderId}?minVersion=1`);
    const command = placing(randomUUID());
    const key = randomUUID();
    const send = () =>
      rest(mesh.url, 'POST', command.path, command.body, { 'idempotency-key': key });
    {
      using _hanging = freeze('command');
      const { answer, ms } = await timed(send);
      expectProblem(answer, 504, 'DEADLINE_EXCEEDED');
      expect(ms).toBeLessThan(bounds.request + margin);
      expect((await get(`/v1/orders/${old.orderId}`)).status).toBe(200);
    }
    const again = await eventually(async () => {
      const answer = await send();
      return answer.status === 201 && answer;
    });
    const { consistencyToken } = again.body;
    book.record({ ...command, key, attempts: 2, consistencyToken, answer: again.body });
  });
});

describe('while PostgreSQL', () => {
  test.each([
    ['restarts', 'SIGINT'],
    ['crashes', 'SIGKILL'],
  ] as const)(
    '%s under load, everybody is put off, nobody has to restart, and nothing is lost',
    async (_, signal) => {
      const pids = processes.map((name) => mesh.pidOf(name));
      const before = new Map(book.refusals);
      const load = await startLoad(mesh, book);
      try {
        await load.probe();
        for (let i = 0; i < 2; i++) {
          await kill(mesh, 'PostgreSQL', signal);
          await load.probe();
        }
      } finally {
        await load.stop();
      }
      expect(processes.map((name) => mesh.pidOf(name))).toEqual(pids);
      const refusals = [...book.refusals].filter(([why, count]) => count > (before.get(why) ?? 0));
      expect(refusals.length).toBeGreaterThan(0);
      expect(refusals.filter(([why]) => !unavailable.test(why))).toEqual([]);
      await expectWhole(mesh, book);
    },
  );
});
