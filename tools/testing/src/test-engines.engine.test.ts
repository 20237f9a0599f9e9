import { Client } from '@elastic/elasticsearch';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { expect, inject, test } from 'vitest';
import { isMissing, testIndexPrefix, testRedis, testTopicName } from './test-engines.ts';

test.skipIf(isMissing('kafka'))('gives a topic name that Kafka takes', async () => {
  const brokers = inject('kafkaBrokers').split(',');
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const topic = testTopicName();
    expect(await admin.createTopics({ topics: [{ topic }], waitForLeaders: true })).toBe(true);
    await admin.deleteTopics({ topics: [topic] });
  } finally {
    await admin.disconnect();
  }
});

test.skipIf(isMissing('elasticsearch'))(
  'gives an index prefix that Elasticsearch takes',
  async () => {
    const client = new Client({ node: inject('elasticsearchUrl') });
    try {
      const index = `${testIndexPrefix()}orders`;
      await client.index({ index, id: '1', document: { a: 1 } });
      expect(await client.get({ index, id: '1' })).toMatchObject({ _source: { a: 1 } });
      await client.indices.delete({ index });
    } finally {
      await client.close();
    }
  },
);

test.skipIf(isMissing('redis'))('gives each caller a Redis of its own', async () => {
  const [a, b] = [await testRedis(), await testRedis()];
  const clientA = new Redis(a.url, { keyPrefix: a.keyPrefix });
  const clientB = new Redis(b.url, { keyPrefix: b.keyPrefix });
  try {
    await clientA.set('key', 'of a');
    expect(await clientB.get('key')).toBeNull();
    await clientA.del('key');
  } finally {
    clientA.disconnect();
    clientB.disconnect();
  }
});
