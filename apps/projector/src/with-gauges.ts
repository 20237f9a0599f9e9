import type { Consumer } from '@ordermesh/messaging';
import { attribute, type InstrumentOptions, observeGauge } from '@ordermesh/telemetry';
import type { Projection } from './projection.ts';

const lag: InstrumentOptions = {
  description: 'Age of the oldest event that a projection was handed and that its views lack.',
  unit: 's',
};
const lagEvents: InstrumentOptions = {
  description: 'Events that a projection is behind, in the partitions owned here.',
  unit: '{event}',
};
const parkedOrders: InstrumentOptions = {
  description:
    'Orders behind an event that a projection cannot apply, in the partitions owned here.',
  unit: '{order}',
};

/**
 * The consumer, with the state of its projection exported until it is disposed of. Asked at each scrape, so that the lag grows while nothing can be written:
 * a value recorded with a write would stand still just then.
 */
export function withGauges(
  name: string,
  projection: Pick<Projection, 'lagMs' | 'parked'>,
  consumer: Consumer,
): Consumer {
  const observe = (metric: string, options: InstrumentOptions, read: () => number) =>
    observeGauge(metric, options, (report) => report(read(), { [attribute.projection]: name }));
  const eventsBehind = () => [...consumer.lag().values()].reduce((sum, events) => sum + events, 0);
  const gauges = [
    observe('ordermesh.projection.lag', lag, () => projection.lagMs() / 1000),
    observe('ordermesh.projection.lag.events', lagEvents, eventsBehind),
    observe('ordermesh.projection.parked', parkedOrders, projection.parked),
  ];
  return {
    ...consumer,
    async [Symbol.asyncDispose]() {
      for (const gauge of gauges) gauge[Symbol.dispose]();
      await consumer[Symbol.asyncDispose]();
    },
  };
}
