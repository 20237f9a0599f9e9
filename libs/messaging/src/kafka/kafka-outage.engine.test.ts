import { startKafka } from '@ordermesh/engines';
import { eventually, isMissing } from '@ordermesh/testing';
import { describe, it } from 'vitest';
import { kafkaFixture } from '../../fixtures/kafka-fixture.ts';
import { acknowledges, expectEverything, startLoad } from '../../fixtures/load.ts';
import { recorder } from '../testing/index.ts';

const patiently = { withinMs: 60_000 };
/** Leaders killed. One only is killed in the normal run, under projectors (apps/projector/src/bad-days.engine.test.ts). */
const leaders = 10;

describe.skipIf(isMissing('kafka'))(
  'a Kafka that fails under load loses nothing and keeps the order',
  () => {
    it('when its only broker is killed and comes back, before and after its clients gave up', async () => {
      await using cluster = await startKafka();
      const [broker] = cluster.nodes;
      await using kafka = await kafkaFixture(cluster.brokers);
      const seen = recorder();
      await using consumer = await kafka
        .bus({ sessionTimeoutMs: 6000 })
        .consume({ group: 'g', handler: seen.handler('a') });
      const load = startLoad(kafka);
      try {
        await eventually(() => seen.seen().size > 200, patiently);
        await broker?.kill();
        await broker?.restart();
        await acknowledges(load, 200);
        await broker?.kill();
        // kafkajs gives its membership up, and with it all partitions.
        await eventually(() => consumer.partitions().size === 0, patiently);
        await broker?.restart();
        await acknowledges(load, 200);
      } finally {
        await load.stop();
      }
      await expectEverything(seen, load, kafka);
    }, 180_000);

    it.runIf(process.env.SOAK)(
      `when leaders of three brokers are killed one after the other (${leaders})`,
      async () => {
        await using cluster = await startKafka({ brokers: 3 });
        await using kafka = await kafkaFixture(cluster.brokers, 12);
        const seen = recorder();
        await using _consumer = await kafka
          .bus({ sessionTimeoutMs: 6000 })
          .consume({ group: 'g', handler: seen.handler('a') });
        const load = startLoad(kafka);
        try {
          for (let n = 0; n < leaders; n++) {
            const broker = cluster.nodes[n % 3];
            await acknowledges(load, 400);
            await broker?.kill();
            await acknowledges(load, 400);
            await broker?.restart();
          }
        } finally {
          await load.stop();
        }
        await expectEverything(seen, load, kafka);
      },
      120_000 + leaders * 60_000,
    );
  },
);
