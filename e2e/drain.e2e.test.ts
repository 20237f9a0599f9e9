import { randomUUID } from 'node:crypto';
import { eventually } from '@ordermesh/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rest } from './support/api.ts';
import { startBalancer } from './support/balancer.ts';
import { type Fleet, type Instance, startFleet } from './support/fleet.ts';
import { type Ledger, ledger } from './support/ledger.ts';
import { startLoad } from './support/load.ts';
import { expectWhole } from './support/whole.ts';

/** Some 60 requests a second, where the machine is quiet, and one restart of each kind of process; with SOAK five times as many, and everyone's. */
const writers = process.env.SOAK ? 20 : 4;
const isRestarted = ({ name }: Instance) => process.env.SOAK !== undefined || name.endsWith('1');

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet();
}, 240_000);
afterAll(() => fleet?.[Symbol.asyncDispose](), 120_000);

/** A process that is kept from running for a second by whatever else the machine does refuses some requests, unbegun; no restart does that. */
const elsewhere = '503 OVERLOADED';
const failures = ({ refusals }: Ledger) => [...refusals].filter(([why]) => why !== elsewhere);

/** A read that only {@link reaches} sends, by the process that answers it. */
const probes: Readonly<Record<string, { readonly path: string; readonly method: string }>> = {
  command: {
    path: `/v1/orders/${randomUUID()}/events`,
    method: 'OrderHistoryService/ListOrderEvents',
  },
  query: { path: `/v1/customers/${randomUUID()}/orders`, method: 'OrderQueryService/ListOrders' },
  customer: { path: `/v1/customers/${randomUUID()}`, method: 'CustomerService/GetCustomer' },
};

/** Resolves when a gateway's calls arrive at an instance: only then may the other one of its kind go. Kubernetes has `minReadySeconds` for it. */
async function reaches(gateway: Instance, instance: Instance): Promise<void> {
  const probe = probes[instance.kind];
  if (probe === undefined) return;
  const served = async () => {
    const text = await (await fetch(`${instance.admin}/metrics`)).text();
    const lines = text
      .split('\n')
      .filter(
        (line) => line.startsWith('rpc_server_call_duration_count{') && line.includes(probe.method),
      );
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  };
  const before = await served();
  await eventually(
    async () => {
      await rest(gateway.url, 'GET', probe.path);
      return (await served()) > before;
    },
    { withinMs: 30_000 },
  );
}

test('every process is restarted, one after the other, and no request fails, no event is lost or doubled', {
  timeout: process.env.SOAK ? 900_000 : 300_000,
}, async () => {
  const gateways = fleet.instances.filter(({ kind }) => kind === 'gateway');
  await using balancer = await startBalancer(gateways);
  const book = ledger(balancer.next);
  const started = performance.now();
  const load = await startLoad({ url: balancer.next() }, book, { writers, halfWithoutKeys: true });
  const took: string[] = [];
  try {
    await load.probe();
    for (const instance of fleet.instances.filter(isRestarted)) {
      const at = performance.now();
      expect(await instance.stop()).toEqual({ code: 0, stderr: '' });
      const stopped = performance.now();
      await instance.start();
      if (instance.kind === 'gateway')
        await eventually(() => balancer.has(instance), { withinMs: 30_000 });
      else for (const gateway of gateways) await reaches(gateway, instance);
      const ms = (from: number, to: number) => `${Math.round(to - from)} ms`;
      took.push(
        `  ${instance.name.padEnd(11)} drained in ${ms(at, stopped)}, back in ${ms(stopped, performance.now())}`,
      );
      expect(failures(book), instance.name).toEqual([]);
    }
    await load.probe();
  } finally {
    await load.stop();
  }
  const seconds = (performance.now() - started) / 1000;
  expect(failures(book)).toEqual([]);
  const { orders, events } = await expectWhole(
    { url: balancer.next(), dataDir: fleet.dataDir },
    book,
  );
  console.log(
    [
      `${orders} orders, ${events} events, ${Math.round(events / seconds)} commands a second, none failed, ${book.refusals.get(elsewhere) ?? 0} put off by a busy machine`,
      ...took,
    ].join('\n'),
  );
});
