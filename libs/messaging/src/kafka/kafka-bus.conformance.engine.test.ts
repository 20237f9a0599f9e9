import { isMissing } from '@ordermesh/testing';
import { describe, inject } from 'vitest';
import { kafkaFixture } from '../../fixtures/kafka-fixture.ts';
import { describeBus, startVictim } from '../testing/index.ts';

describe.skipIf(isMissing('kafka'))('Kafka as a bus', () => {
  describeBus({
    name: 'Kafka',
    async create() {
      const kafka = await kafkaFixture(inject('kafkaBrokers'), 12);
      const { brokers, topic, partitions } = kafka;
      return {
        partitions,
        connect: (takeoverMs) => kafka.bus({ sessionTimeoutMs: takeoverMs }),
        publish: kafka.publish,
        startVictim: (group, takeoverMs) =>
          startVictim(new URL('../../fixtures/kafka-victim.ts', import.meta.url), [
            brokers.join(),
            topic,
            String(partitions),
            String(takeoverMs),
            group,
          ]),
        [Symbol.asyncDispose]: () => kafka[Symbol.asyncDispose](),
      };
    },
  });
});
