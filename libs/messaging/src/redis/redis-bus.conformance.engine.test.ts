import { isMissing } from '@ordermesh/testing';
import { describe, inject } from 'vitest';
import { redisFixture } from '../../fixtures/redis-fixture.ts';
import { describeBus, startVictim } from '../testing/index.ts';

describe.skipIf(isMissing('redis'))('Redis Streams as a bus', () => {
  describeBus({
    name: 'Redis Streams',
    async create() {
      const redis = await redisFixture(inject('redisUrl'), { partitions: 12 });
      const { url, stream, viewUrl, partitions } = redis;
      return {
        partitions,
        connect: (takeoverMs) => redis.bus({ leaseMs: takeoverMs }),
        publish: redis.publish,
        startVictim: (group, takeoverMs) =>
          startVictim(new URL('../../fixtures/redis-victim.ts', import.meta.url), [
            url,
            stream,
            viewUrl,
            String(partitions),
            String(takeoverMs),
            group,
          ]),
        [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
      };
    },
  });
});
