import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@elastic/elasticsearch';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isAlive, isSkipped, killParentOf, takenPort } from '../../test/processes.ts';
import { startElasticsearch } from './start.ts';

let closed: string; // mkdtemp makes it 0700: root runs Elasticsearch as nobody, who has to pass through
beforeAll(() => {
  closed = mkdtempSync(join(tmpdir(), 'ordermesh-elasticsearch-test-'));
});
afterAll(() => rmSync(closed, { recursive: true }));

const index = 'orders';
const documents = Array.from({ length: 500 }, (_, i) => ({ number: i }));

describe.skipIf(isSkipped('elasticsearch'))('startElasticsearch()', () => {
  test('keeps acknowledged documents through kill -9, also below a closed folder', async () => {
    const elasticsearch = await startElasticsearch({ dataDir: join(closed, 'data') });
    const { pid, url } = elasticsearch;
    const client = new Client({ node: url });
    try {
      const operations = documents.flatMap((document) => [{ index: {} }, document]);
      expect(await client.bulk({ index, operations })).toMatchObject({ errors: false });
      await elasticsearch.kill();
      expect(isAlive(pid)).toBe(false);
      await elasticsearch.restart();
      expect(elasticsearch.url).toBe(url);
      await client.indices.refresh({ index });
      expect(await client.count({ index })).toMatchObject({ count: documents.length });
    } finally {
      await client.close();
      await elasticsearch[Symbol.asyncDispose]();
    }
    await elasticsearch[Symbol.asyncDispose]();
    expect(isAlive(elasticsearch.pid)).toBe(false);
  });

  test('says that a fixed port is taken', async () => {
    await using taken = await takenPort();
    await expect(startElasticsearch({ port: taken.port })).rejects.toThrow(
      `port ${taken.port} is taken: free it, or choose another for Elasticsearch`,
    );
  });

  test('ends when its parent is killed', () => killParentOf('elasticsearch'));
});
