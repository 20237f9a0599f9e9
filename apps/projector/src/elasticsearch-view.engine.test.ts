import { randomUUID } from 'node:crypto';
import { Client } from '@elastic/elasticsearch';
import { type Elasticsearch, startElasticsearch } from '@ordermesh/engines';
import {
  elasticsearchViewReader,
  type OrderViewReader,
  postgresViewReader,
} from '@ordermesh/read-model';
import {
  eventually,
  isMissing,
  startApp,
  type TestDatabase,
  testDatabase,
} from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FeedFixture, feedFixture, orderRows } from '../test/order-log.ts';

const partitions = 12;
const signal = new AbortController().signal;

describe.skipIf(isMissing('elasticsearch'))('the projector with Elasticsearch', () => {
  const opened = new AsyncDisposableStack();
  let node: Elasticsearch;
  let log: FeedFixture;
  let server: TestDatabase;
  let viewUrl: string;
  beforeAll(async () => {
    [node, log, server] = await Promise.all([startElasticsearch(), feedFixture(), testDatabase()]);
    opened.use(server);
    opened.use(log);
    opened.use(node);
    const own = new URL(server.url);
    own.pathname += '_view';
    viewUrl = own.href;
  }, 240_000);
  afterAll(() => opened.disposeAsync());

  const start = () =>
    startApp(`${import.meta.dirname}/..`, {
      PROJECTOR_ADMIN_PORT: '0',
      LOG_DATABASE_URL: log.url,
      VIEW_DATABASE_URL: viewUrl,
      MIGRATION_DATABASE_URL: server.url,
      ELASTICSEARCH_URL: node.url,
      CUSTOMER_ADDRESS: '127.0.0.1:1', // nobody is there: every view stays pending
    });
  const caughtUp = (reader: OrderViewReader, orderId: string, version: number) =>
    eventually(
      async () => ((await reader.get(orderId, undefined, signal))?.order.version ?? 0) === version,
      {
        withinMs: 60_000,
      },
    );

  it('projects into PostgreSQL while Elasticsearch is away, and into both when it is back', async () => {
    await using table = postgresViewReader({ url: viewUrl, max: 2, name: 'test-reader' });
    await using index = elasticsearchViewReader({ url: node.url });
    const rows = orderRows(partitions);
    const created = rows.created(3, randomUUID());
    const { streamId } = created;
    await node.kill();
    await using projector = start();
    await projector.logged('ready');
    await log.append([created]);
    await caughtUp(table, streamId, 1);

    await node.restart();
    await projector.logged('projecting into Elasticsearch');
    await caughtUp(index, streamId, 1);
    await log.append([rows.next(streamId, 'OrderConfirmed')]);
    await Promise.all([table, index].map((reader) => caughtUp(reader, streamId, 2)));
    expect(await index.get(streamId, undefined, signal)).toEqual(
      await table.get(streamId, undefined, signal),
    );

    await node.kill();
    await log.append([rows.next(streamId, 'OrderPaid')]);
    await caughtUp(table, streamId, 3);
    await node.restart();
    await caughtUp(index, streamId, 3);
    projector.signal('SIGTERM');
    expect(await projector.ended).toEqual({ code: 0, stderr: '' });
  });

  it('ends with one line and code 1 when the index is of another make', async () => {
    const client = new Client({ node: node.url });
    try {
      await client.indices.delete({ index: 'orders-es@000001' });
      await client.indices.create({
        index: 'orders-es@000001',
        aliases: { 'orders-es': { is_write_index: true } },
      });
    } finally {
      await client.close();
    }
    await using projector = start();
    const { code, stderr } = await projector.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ordermesh-projector: ELASTICSEARCH_URL: .*another mapping.*\n$/);
  });
});
