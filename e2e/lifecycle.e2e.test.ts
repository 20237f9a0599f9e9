import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { create, fromJson } from '@bufbuild/protobuf';
import {
  CreateOrderRequestSchema,
  CustomerService,
  GetCustomerRequestSchema,
  ListOrdersRequestSchema,
  OrderCommandService,
  OrderQueryService,
} from '@ordermesh/contract';
import { callUnary, connect, type RpcChannel } from '@ordermesh/rpc';
import { eventually, frozen, processTree, stillRunning } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { orderRequest, rest } from './support/api.ts';
import {
  type DatabaseName,
  databasesGone,
  holdTable,
  postmaster,
  rowsOf,
} from './support/database.ts';
import { arrived, watchHealth } from './support/direct.ts';
import { type Ledger, ledger } from './support/ledger.ts';
import { placing, registered, startLoad } from './support/load.ts';
import { type Mesh, type ProcessName, processes, startMesh } from './support/mesh.ts';
import { freePorts, startSupervisor } from './support/supervisor.ts';
import { expectWhole } from './support/whole.ts';

// Calls are held by a lock for as long as the test wants: none of them may meet its deadline before that.
const env = { REQUEST_TIMEOUT_MS: '10000' };
/** Calls in flight when the signal comes. */
const inFlight = 8;

let dataDir: string;
let mesh: Mesh;
let book: Ledger;
let customerId: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ordermesh-e2e-'));
  mesh = await startMesh({ dataDir, env });
  book = ledger(mesh.url);
  customerId = await registered(mesh.url);
  await book.send(placing(randomUUID(), customerId));
});
afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});

/** Sends the process a signal, and resolves when `meanwhile` has, and the supervisor has said how the process ended. */
async function ended(
  name: ProcessName,
  cause: string,
  meanwhile: () => Promise<void>,
): Promise<void> {
  const before = mesh.lines.length;
  process.kill(mesh.pidOf(name), 'SIGTERM');
  await meanwhile();
  const said = await eventually(
    () => mesh.lines.slice(before).find((line) => line.includes(`restarting ${name} in `)) ?? false,
    { withinMs: 30_000 },
  );
  expect(said).toMatch(new RegExp(`^dev +\\| restarting ${name} in \\d+ ms \\(${cause}\\)$`));
}

const isReady = async (name: ProcessName) => (await fetch(`${mesh.admin[name]}/readyz`)).ok;

interface Server {
  readonly name: 'command' | 'query' | 'customer';
  /** What its calls need. */
  readonly database: DatabaseName;
  readonly table: string;
  call(channel: RpcChannel): Promise<unknown>;
}

const servers: readonly Server[] = [
  {
    name: 'command',
    database: 'ordermesh_log',
    table: 'events',
    async call(channel) {
      const command = placing(randomUUID(), customerId);
      const key = randomUUID();
      const { message } = await callUnary(
        channel,
        OrderCommandService.method.createOrder,
        fromJson(CreateOrderRequestSchema, orderRequest({ orderId: command.orderId, customerId })),
        { metadata: { 'idempotency-key': key } },
      );
      const { consistencyToken } = message;
      book.record({ ...command, key, attempts: 1, consistencyToken, answer: undefined });
    },
  },
  {
    name: 'query',
    database: 'ordermesh_view',
    table: 'order_view',
    // Not GetOrder, which gives a table that is held up after 1 s.
    call: (channel) =>
      callUnary(
        channel,
        OrderQueryService.method.listOrders,
        create(ListOrdersRequestSchema, { customerId }),
      ),
  },
  {
    name: 'customer',
    database: 'ordermesh_customer',
    table: 'customer',
    call: (channel) =>
      callUnary(
        channel,
        CustomerService.method.getCustomer,
        create(GetCustomerRequestSchema, { customerId }),
      ),
  },
];

describe('SIGTERM under load', () => {
  test.each(servers)(
    'lets $name answer every call that it has received, health and readiness say no meanwhile, and it ends with code 0',
    async ({ name, database, table, call }) => {
      await using _load = await startLoad(mesh, book);
      const to = { address: mesh.address[name], serviceName: 'e2e', defaultTimeoutMs: 10_000 };
      await using channel = connect(to);
      await using healthChannel = connect(to);
      using health = watchHealth(healthChannel);
      await eventually(() => health.seen.at(-1) === 'SERVING');

      await using held = await holdTable(mesh.dataDir, database, table);
      const calls = Promise.allSettled(Array.from({ length: inFlight }, () => call(channel)));
      await arrived(channel);
      await ended(name, 'exit code 0', async () => {
        await eventually(() => health.seen.at(-1) === 'NOT_SERVING');
        health[Symbol.dispose](); // an open stream would hold the drain up to its limit
        expect(await isReady(name)).toBe(false);
        await held[Symbol.asyncDispose]();
        const failed = (await calls).filter(({ status }) => status === 'rejected');
        expect(failed).toEqual([]);
      });
      await mesh.ready(name);
    },
  );

  test('lets the gateway answer every request that it has received, and it ends with code 0', async () => {
    await using held = await holdTable(mesh.dataDir, 'ordermesh_view', 'order_view');
    const answers = Promise.all(
      Array.from({ length: inFlight }, () =>
        rest(mesh.url, 'GET', `/v1/orders?customerId=${randomUUID()}`),
      ),
    );
    await held.waiting('query', inFlight);
    await ended('gateway', 'exit code 0', async () => {
      await eventually(async () => !(await isReady('gateway')));
      await held[Symbol.asyncDispose]();
      expect((await answers).map(({ status }) => status)).toEqual(Array(inFlight).fill(200));
    });
    await mesh.ready('gateway');
  });

  test('lets the projector write the batch that it has begun, and give up its partitions', async () => {
    await using _load = await startLoad(mesh, book);
    await using held = await holdTable(mesh.dataDir, 'ordermesh_view', 'order_view');
    await held.waiting('projector', 1);
    const owners = 'SELECT owner, count(*)::integer FROM ordermesh_bus.lease GROUP BY owner';
    const [owner] = await rowsOf(mesh.dataDir, 'ordermesh_view', owners);
    expect(owner).toEqual({ owner: expect.any(String), count: 12 });
    await ended('projector', 'exit code 0', async () => {
      await eventually(async () => !(await isReady('projector')));
      await held[Symbol.asyncDispose]();
    });
    // Not of whoever owns them now: the successor may be quick.
    const kept = 'SELECT partition FROM ordermesh_bus.lease WHERE owner = $1';
    expect(await rowsOf(mesh.dataDir, 'ordermesh_view', kept, [owner?.owner])).toEqual([]);
    await mesh.ready('projector');
  });

  test('a second time ends the process at once, and its call is done once by its key', async () => {
    await using held = await holdTable(mesh.dataDir, 'ordermesh_log', 'events');
    const sent = book.send(placing(randomUUID(), customerId));
    await held.waiting('command-writer', 1);
    const before = mesh.lines.length;
    await ended('command', 'exit code 1', async () => {
      await eventually(() => mesh.lines.slice(before).some((line) => / stopping/.test(line)));
      await delay(300); // a signal within 250 ms of the first counts as the same Ctrl-C
      process.kill(mesh.pidOf('command'), 'SIGTERM');
    });
    await held[Symbol.asyncDispose]();
    expect(await sent).toMatchObject({ version: 1 });
  });

  test('has cost nothing of what was acknowledged', async () => {
    await mesh.ready('gateway');
    await expectWhole(mesh, book);
  });
});

describe('the admin port', () => {
  test.each(processes)('of %s answers /livez, /readyz and /metrics', async (name) => {
    const livez = await rest(mesh.admin[name], 'GET', '/livez');
    expect([livez.status, livez.body]).toEqual([200, { status: 'alive' }]);
    await mesh.ready(name);
    const readyz = await rest(mesh.admin[name], 'GET', '/readyz');
    expect([readyz.status, readyz.body.ready]).toEqual([200, true]);
    const metrics = await rest(mesh.admin[name], 'GET', '/metrics');
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(metrics.body).toContain(`service_name="ordermesh-${name}"`);
  });

  test('says 503 on /readyz while the database is gone, stays alive, and says 200 when it is back', async () => {
    const users = ['command', 'query', 'customer', 'projector'] as const;
    const pids = users.map((name) => mesh.pidOf(name));
    const gone = await databasesGone(mesh.dataDir);
    for (const name of users)
      await eventually(async () => !(await isReady(name)), { withinMs: 30_000 });
    for (const name of users) expect((await fetch(`${mesh.admin[name]}/livez`)).status).toBe(200);
    await gone[Symbol.asyncDispose]();
    for (const name of users) await mesh.ready(name);
    expect(users.map((name) => mesh.pidOf(name))).toEqual(pids);
  });
});

describe('a data folder', () => {
  test('refuses a second start while the first runs, which goes on', async () => {
    const { code, last } = await refusedStart({ DATA_DIR: mesh.dataDir, DATABASE_URL: '' });
    expect(code).toBe(1);
    expect(last).toBe(
      `another \`npm start\` (process ${mesh.pid}) uses this DATA_DIR: stop it, or set DATA_DIR to another folder`,
    );
    expect(await isReady('gateway')).toBe(true);
  });

  test('is recovered with all its data after kill -9 of the supervisor, even where PostgreSQL outlived it', async () => {
    const load = await startLoad(mesh, book);
    const tree = processTree(mesh.pid);
    const { pid: postgres } = postmaster(mesh.dataDir);
    expect(tree.length).toBeGreaterThan(7);
    await load.stop();
    // Frozen, it hears of its supervisor's end too late.
    using _frozen = frozen([postgres]);
    await mesh.end('SIGKILL');
    const apps = processes.map((name) => mesh.pidOf(name));
    await eventually(() => stillRunning(apps).length === 0, { withinMs: 30_000 });
    expect(stillRunning([postgres])).toEqual([postgres]);

    mesh = await startMesh({ dataDir, env, ownGroup: true });
    const noticed = `stopped the PostgreSQL of a killed run (pid ${postgres})`;
    expect(mesh.lines.some((line) => line.endsWith(noticed))).toBe(true);
    await eventually(() => stillRunning(tree).length === 0);
    await expectWhole(mesh, book);
  });

  test('is left by Ctrl-C without any process of the mesh or of PostgreSQL', async () => {
    const tree = processTree(mesh.pid);
    expect(tree.length).toBeGreaterThan(7);
    process.kill(-mesh.pid, 'SIGINT');
    expect(await mesh.exited).toBe(0);
    expect(stillRunning(tree)).toEqual([]);
    expect(existsSync(join(dataDir, 'postgres/postmaster.pid'))).toBe(false);
  });

  test('refuses another number of partitions than it was made with', async () => {
    const { code, last } = await refusedStart({
      DATA_DIR: dataDir,
      DATABASE_URL: '',
      MIGRATION_DATABASE_URL: '',
      PARTITIONS: '7',
    });
    expect(code).toBe(1);
    // Whichever process finds out first.
    expect(last).toMatch(/made with 12 .*PARTITIONS is 7|PARTITIONS is 7, .* made with 12/);
  });
});

describe('a start that cannot work', () => {
  const ports = ['GATEWAY_PORT', 'COMMAND_PORT', 'QUERY_PORT', 'CUSTOMER_PORT'] as const;

  test.each(ports)(
    'says in one line that %s is taken, and leaves nothing running',
    async (variable) => {
      await using taken = await listener();
      const { code, last } = await refusedStart({ [variable]: taken.port });
      expect([code, last]).toEqual([
        1,
        expect.stringMatching(
          new RegExp(`${variable}: 127\\.0\\.0\\.1:${taken.port} is already in use$`),
        ),
      ]);
    },
  );

  const adminPorts = processes.map((name) => `${name.toUpperCase()}_ADMIN_PORT`);
  test.each(adminPorts)(
    'says in one line that %s is taken by another mesh, and leaves nothing running',
    async (variable) => {
      await using taken = await listener();
      const { code, last } = await refusedStart({ [variable]: taken.port });
      expect([code, last]).toEqual([
        1,
        expect.stringMatching(
          new RegExp(`another process answers at .*:${taken.port}/.* set another ${variable}$`),
        ),
      ]);
    },
  );

  const malformed = [
    ['PARTITIONS', 'x', 'PARTITIONS is "x"; it must be a whole number from 1 to 1024'],
    ['REQUEST_TIMEOUT_MS', '-1', 'REQUEST_TIMEOUT_MS is "-1"; it must be a '],
    ['HOST', '0.0.0.0', 'HOST is "0.0.0.0", but AUTH is off; it must be a loopback address'],
    ['AUTH', 'on', 'AUTH is "on"; it must be one of off, jwt'],
    ['DATABASE_URL', 'foo', 'DATABASE_URL has a malformed value (not shown); it must be a URL'],
  ] as const;
  test.each(malformed)(
    'says in one line what is wrong with %s=%s',
    async (variable, value, line) => {
      const { code, last } = await refusedStart({ [variable]: value });
      expect([code, last]).toEqual([1, expect.stringContaining(line)]);
    },
  );
});

/** A stranger on a port, who answers HTTP as another mesh would. */
async function listener(): Promise<AsyncDisposable & { readonly port: string }> {
  const server = createServer((_request, response) => response.writeHead(503).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: String((server.address() as AddressInfo).port),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * Starts on free ports what cannot start, and expects that it ends by itself, prints no stack and leaves nothing running.
 * @param environment with the tests' own PostgreSQL, unless it says otherwise: an embedded one would only take time
 */
async function refusedStart(
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly code: number; readonly last: string | undefined }> {
  const scratch = await mkdtemp(join(tmpdir(), 'ordermesh-e2e-'));
  const database = inject('postgresUrl');
  const supervisor = startSupervisor({
    ...(await freePorts()),
    DATA_DIR: scratch,
    DATABASE_URL: database,
    MIGRATION_DATABASE_URL: database,
    ...environment,
  });
  try {
    await eventually(() => supervisor.hasEnded(), { withinMs: 60_000 });
  } finally {
    if (!supervisor.hasEnded()) process.kill(supervisor.pid, 'SIGTERM');
    await supervisor.exited;
    await rm(scratch, { recursive: true, force: true });
  }
  const { lines } = supervisor;
  const pids = lines.flatMap((line) => / starting pid=(\d+)/.exec(line)?.[1] ?? []).map(Number);
  expect(stillRunning(pids)).toEqual([]);
  // Of the supervisor's own: the processes, cut off while they start, may complain at length.
  const own = lines.filter((line) => !/^(command|query|projector|customer|gateway) /.test(line));
  expect(own.filter((line) => /\bat .*:\d+:\d+/.test(line))).toEqual([]);
  return { code: await supervisor.exited, last: lines.findLast((line) => line !== '') };
}
