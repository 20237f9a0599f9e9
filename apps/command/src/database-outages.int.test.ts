import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Postgres, startPostgres } from '@ordermesh/engines';
import { createPool } from '@ordermesh/postgres';
import { eventually, frozen, processTree, withClient } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCallers } from '../test/command-ledger.ts';
import { type CommandProcess, startCommand } from '../test/command-process.ts';
import { orderRequest, rpc } from '../test/serve-command.ts';

/** Of its own, because other test files need theirs. */
let postgres: Postgres;
let log: ReturnType<typeof createPool>;
const opened = new AsyncDisposableStack();
const processes: CommandProcess[] = [];
/** The default, and one that lets callers hear what the process found out about a lost batch, or that it could not. */
const deadlinesMs = [2_000, 15_000];

const dir = mkdtempSync(join(tmpdir(), 'ordermesh-outages-'));
chmodSync(dir, 0o711); // root runs PostgreSQL as nobody, who has to pass through
opened.defer(() => rmSync(dir, { recursive: true, force: true }));
const logUrl = () => postgres.url.replace(/\/postgres$/, '/log');
const start = async (port?: number) => {
  postgres = await startPostgres({ dataDir: join(dir, 'postgres'), ...(port ? { port } : {}) });
};

beforeAll(async () => {
  await start();
  opened.defer(() => postgres.stop());
  const url = logUrl();
  for (const deadline of deadlinesMs) {
    const settings = { MIGRATION_DATABASE_URL: postgres.url, REQUEST_TIMEOUT_MS: `${deadline}` };
    processes.push(opened.use(await startCommand(url, settings)));
  }
  log = createPool({ url, max: 2, name: 'test', statementTimeoutMs: 60_000, onError: () => {} });
  opened.defer(() => log.end());
});
afterAll(() => opened.disposeAsync());

const outageMs = (short: number) => (process.env.SOAK ? 10_000 : short);

/** Takes PostgreSQL away, and gives it back. */
const outages: Readonly<Record<string, () => Promise<void>>> = {
  async restarts() {
    await postgres.stop();
    await start(postgres.port);
  },
  async 'is read-only'() {
    const readOnly = (value: 'on' | 'off') =>
      withClient(postgres.url, async (client) => {
        await client.query(`ALTER SYSTEM SET default_transaction_read_only = ${value}`);
        await client.query('SELECT pg_reload_conf()');
      });
    await readOnly('on');
    await delay(outageMs(2_000));
    await readOnly('off');
  },
  async hangs() {
    using _hanging = frozen(processTree(postgres.pid));
    await delay(outageMs(7_000)); // after 6 s a process gives up its connection, and has to find out what became of its batch
  },
};

describe('while PostgreSQL', () => {
  it.each(Object.keys(outages))(
    '%s, 64 callers are put off within their deadline, all heals by itself, and nothing is lost or doubled',
    async (name) => {
      await using callers = await startCallers(processes, log);
      const goOn = async () => {
        const before = processes.map((one) => callers.acknowledgedBy(one));
        await eventually(
          () => processes.every((one, n) => callers.acknowledgedBy(one) > (before[n] ?? 0) + 100),
          { withinMs: 60_000 },
        );
      };
      await goOn();
      const beganAt = performance.now();
      await outages[name]?.();
      const awayMs = performance.now() - beganAt;
      await goOn();
      await callers.stop();
      const whole = await callers.expectWhole();
      const refusals = Object.fromEntries(callers.refusals);
      console.log(`PostgreSQL ${name} for ${Math.round(awayMs)} ms:`, whole, refusals);
      expect(Object.keys(refusals).length).toBeGreaterThan(0);
      // A process tries for 5 s to find out about a lost batch; a read-only server loses none.
      const mayBeUnknown = name !== 'is read-only' && awayMs > 3_000;
      expect([
        'DEPENDENCY_UNAVAILABLE',
        'DEADLINE_EXCEEDED',
        ...(mayBeUnknown ? ['OUTCOME_UNKNOWN'] : []),
      ]).toEqual(expect.arrayContaining(Object.keys(refusals)));
    },
    180_000,
  );
});

it('answers OVERLOADED with a time to come back to whom it has no room for while the log takes nothing, and loses nobody else', async () => {
  const settings = { MAX_CONCURRENT_REQUESTS: '10', REQUEST_TIMEOUT_MS: '20000' };
  await using command = await startCommand(logUrl(), settings);
  const refusals: unknown[] = [];
  const create = () =>
    command.call(rpc.createOrder, orderRequest()).catch((error) => void refusals.push(error));
  const holder = await log.connect();
  let calls: ReturnType<typeof create>[];
  try {
    await holder.query('SELECT pg_advisory_lock(7309475598860808551)'); // every append takes it first
    calls = Array.from({ length: 20 }, create);
    await eventually(() => refusals.length === 11); // one place in ten is kept for pay, ship and deliver
  } finally {
    holder.release(true); // its lock goes with it
  }
  const answers = await Promise.all(calls);
  expect(answers.filter((answer) => answer?.message.order?.version === 1)).toHaveLength(9);
  const overloaded = { code: 'UNAVAILABLE', reason: 'OVERLOADED', retryAfterMs: 1000 };
  expect(refusals).toEqual(Array(11).fill(expect.objectContaining(overloaded)));
});
