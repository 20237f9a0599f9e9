import { type Redis as RedisServer, startRedis } from '@ordermesh/engines';
import { frozen } from '@ordermesh/testing';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ledger } from './support/ledger.ts';
import { placing, startLoad } from './support/load.ts';
import { type Mesh, startMesh } from './support/mesh.ts';
import { expectWhole } from './support/whole.ts';

const opened = new AsyncDisposableStack();
let server: RedisServer;
let plain: Redis;
let mesh: Mesh;
beforeAll(async () => {
  server = opened.use(await startRedis());
  plain = new Redis(server.url);
  plain.on('error', () => undefined); // the server is killed under it
  opened.defer(() => plain.disconnect());
  const env = { BUS: 'redis', REDIS_URL: server.url };
  mesh = opened.use(await startMesh({ engines: 'embedded', env }));
});
afterAll(() => opened.disposeAsync());
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(mesh.lines.slice(-100).join('\n'));
});

const streams = Array.from({ length: 12 }, (_, n) => `ordermesh.order.events.v1:${n}`);

test('the mesh on Redis is whole after a kill of every part of the way, and a loss of all that Redis had', async () => {
  const book = ledger(mesh.url);
  const load = await startLoad(mesh, book);
  try {
    await load.probe();
    await plain.flushall();
    await load.probe();
    await mesh.kill('command');
    await load.probe();
    await mesh.kill('projector');
    await load.probe();
    await server.kill();
    await server.restart();
    await load.probe();
  } finally {
    await load.stop();
  }
  // What is trimmed behind a projector that stands still, it reads from the log: with nothing new, too.
  using standing = frozen([mesh.pidOf('projector')]);
  for (let n = 0; n < 40; n++) await book.send(placing(crypto.randomUUID()));
  const lengths = await Promise.all(streams.map((stream) => plain.xlen(stream)));
  await Promise.all(streams.map((stream) => plain.xtrim(stream, 'MAXLEN', 1)));
  expect(Math.max(...lengths)).toBeGreaterThan(1);
  standing[Symbol.dispose]();
  const { orders, events } = await expectWhole(mesh, book);
  console.log(`${orders} orders, ${events} events in log and views, by way of Redis`);
});
