import { attribute, observeGauge } from '@ordermesh/telemetry';
import type { Consumer } from './bus.ts';

/** Exports {@link Consumer.lag} as `ordermesh.consumer.lag`, one series per group and partition, until disposed of. */
export function lagGauge(group: string, consumer: Pick<Consumer, 'lag'>): Disposable {
  const description = 'Events that the consumer group is behind, for each partition owned here.';
  return observeGauge('ordermesh.consumer.lag', { description, unit: '{event}' }, (report) => {
    for (const [partition, events] of consumer.lag()) {
      report(events, {
        [attribute.messagingConsumerGroup]: group,
        [attribute.messagingPartition]: String(partition),
      });
    }
  });
}
