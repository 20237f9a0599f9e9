import type { Consumer } from '@ordermesh/messaging';
import { metricsText } from '@ordermesh/telemetry';
import { expect, it } from 'vitest';
import { withGauges } from './with-gauges.ts';

it('exports what the projection and its consumer say at each scrape, until the consumer is disposed of', async () => {
  let isDisposed = false;
  const lag = new Map([
    [0, 2],
    [3, 5],
  ]);
  const inner: Consumer = {
    partitions: () => new Set(lag.keys()),
    lag: () => lag,
    async [Symbol.asyncDispose]() {
      isDisposed = true;
    },
  };
  const state = { lagMs: 1500, parked: 1 };
  const projection = { lagMs: () => state.lagMs, parked: () => state.parked };
  const exported = async () =>
    (await metricsText())
      .split('\n')
      .filter((line) => line.includes('{ordermesh_projection="gauged"}'))
      .map((line) => line.replace('{ordermesh_projection="gauged"}', ''));

  const consumer = withGauges('gauged', projection, inner);
  expect(await exported()).toEqual([
    'ordermesh_projection_lag 1.5',
    'ordermesh_projection_lag_events 7',
    'ordermesh_projection_parked 1',
  ]);
  state.lagMs = 2500; // nothing was written meanwhile
  expect(await exported()).toContain('ordermesh_projection_lag 2.5');
  expect(consumer.partitions()).toEqual(new Set([0, 3]));
  await consumer[Symbol.asyncDispose]();
  expect(isDisposed).toBe(true);
  expect(await exported()).toEqual([]);
});
