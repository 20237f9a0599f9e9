import { eventually } from '@ordermesh/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Harness, harness } from '../../fixtures/harness.ts';
import { recorder } from '../testing/index.ts';

// None of these consumers polls, save where a test says so.
let h: Harness;
beforeAll(async () => {
  h = await harness();
});
afterAll(() => h[Symbol.asyncDispose]());

const has = (seen: ReturnType<typeof recorder>, ...rows: readonly { position: bigint }[]) =>
  eventually(() => rows.every((row) => seen.seen().has(row.position)));

it('is woken by the notification of an append', async () => {
  const seen = recorder();
  await using _consumer = await h.bus().consume({ group: 'append', handler: seen.handler('a') });
  // One after the other: the first may have been found when listening began, the following were not.
  for (let n = 0; n < 5; n++) {
    const row = h.rows.next(h.rows.orderIn(n % h.partitions));
    await h.log.append([row]);
    await has(seen, row);
  }
});

it('looks everywhere on an empty notification, and on one that it cannot read', async () => {
  const seen = recorder();
  await using _consumer = await h.bus().consume({ group: 'hints', handler: seen.handler('a') });
  for (const payload of ['', '', 'something new']) {
    const rows = h.rows.oneEach();
    await h.log.insert(rows);
    await h.log.notify(payload);
    await has(seen, ...rows);
  }
});

it('looks everywhere when it listens again after a lost connection', async () => {
  const seen = recorder();
  await using _consumer = await h.bus().consume({ group: 'listen', handler: seen.handler('a') });
  const listening = h.rows.oneEach();
  await h.log.append(listening);
  await has(seen, ...listening);
  for (let n = 0; n < 2; n++) {
    const silent = h.rows.oneEach();
    await h.log.insert(silent);
    await endConnections('ordermesh-listen-ordermesh_log');
    await has(seen, ...silent);
  }
});

it('finds by polling what no notification told', async () => {
  const seen = recorder();
  await using _consumer = await h
    .bus({ pollEveryMs: 50 })
    .consume({ group: 'poll', handler: seen.handler('a') });
  for (let n = 0; n < 3; n++) {
    const rows = h.rows.oneEach();
    await h.log.insert(rows);
    await has(seen, ...rows);
  }
});

it('loses no wake-up that comes during a batch', async () => {
  const seen = recorder();
  const [early, first, second, third] = [0, 0, 0, 1].map((n) => h.rows.next(h.rows.orderIn(n)));
  if (!early || !first || !second || !third) throw new Error('four rows were made');
  const begun = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const handler = seen.handler('a', {
    async batch({ messages }) {
      if (messages.at(-1)?.position !== first.position) return;
      begun.resolve();
      await finish.promise;
    },
  });
  await using _consumer = await h.bus().consume({ group: 'during', handler });
  // From here on only notifications wake it: the look that follows LISTEN is over, or finds the early row.
  await eventually(isListening);
  await h.log.append([early]);
  await has(seen, early);
  await h.log.append([first]);
  await begun.promise;
  await h.log.append([second, third]);
  await has(seen, third); // of the same notification, so the one for partition 0 has been heard as well
  finish.resolve();
  await has(seen, second);
});

it('hands over in order what was appended while connections broke', async () => {
  const seen = recorder();
  const order = h.rows.orderIn(2);
  const rows = Array.from({ length: 200 }, () => h.rows.next(order));
  await using _consumer = await h
    .bus()
    .consume({ group: 'broken', handler: seen.handler('a'), maxBatch: 5 });
  for (let n = 0; n < rows.length; n += 10) {
    await h.log.append(rows.slice(n, n + 10));
    if (n % 40 === 0) {
      await endConnections('ordermesh-bus-feed');
      await endConnections('ordermesh-bus-leases');
      await endConnections('ordermesh-listen-ordermesh_log');
    }
  }
  await eventually(() => seen.positionsOf(2).includes(rows.at(-1)?.position ?? 0n), {
    withinMs: 30_000,
  });
  expect(seen.positionsOf(2).slice(-200)).toEqual(rows.map((row) => row.position));
  expect(seen.violations()).toEqual([]);
  await eventually(
    async () =>
      (await h.leases(committed, ['broken', 2])).rows[0].position === String(rows.at(-1)?.position),
  );
});

async function isListening(): Promise<boolean> {
  const { rowCount } = await h.log.run(`
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'ordermesh-listen-ordermesh_log'
      AND query LIKE 'LISTEN%' AND state = 'idle'`);
  return rowCount === 1;
}

const committed = 'SELECT position FROM ordermesh_bus.lease WHERE group_id = $1 AND partition = $2';

async function endConnections(name: string): Promise<void> {
  const text = `
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = $1 AND datname = ANY ($2)`;
  const { rows } = await h.leases('SELECT current_database() AS view');
  const log = new URL(h.log.url).pathname.slice(1);
  await h.log.run(text, [name, [log, rows[0].view]]);
}
