import { metrics } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  attachObservations,
  counter,
  gauge,
  histogram,
  observeCounter,
  observeGauge,
} from './instruments.ts';
import { createMetrics } from './metrics.ts';

// As libraries make them: at module level, before any provider.
const things = counter('ordermesh.test.things', { description: 'Things.' });
const duration = histogram('ordermesh.test.duration', { description: 'Time.', unit: 's' });

beforeEach(() => metrics.disable());
afterEach(() => metrics.disable());

function startMetrics() {
  const { provider, text } = createMetrics(resourceFromAttributes({ 'service.name': 'test' }));
  metrics.setGlobalMeterProvider(provider);
  attachObservations();
  return async () => (await text()).split('\n');
}

describe('instruments', () => {
  test('made before the provider count from the moment it is there', async () => {
    things.add(1);
    const lines = startMetrics();
    things.add(2, { kind: 'new' });
    expect(await lines()).toContain('ordermesh_test_things_total{kind="new"} 2');
  });

  test('follow a provider that replaces another', async () => {
    startMetrics();
    things.add(1);
    metrics.disable();
    const lines = startMetrics();
    things.add(5);
    expect(await lines()).toContain('ordermesh_test_things_total 5');
  });

  test('are harmless without a provider', () => {
    things.add(1);
    duration.record(1);
  });

  test('appear in Prometheus under their names, with help and type and no scope labels', async () => {
    const lines = startMetrics();
    gauge('ordermesh.test.level', { description: 'Level.' }).record(7);
    expect(await lines()).toEqual(
      expect.arrayContaining([
        '# HELP ordermesh_test_level Level.',
        '# TYPE ordermesh_test_level gauge',
        'ordermesh_test_level 7',
      ]),
    );
  });

  test('give durations the buckets of the HTTP conventions, and others the ones they ask for', async () => {
    const lines = startMetrics();
    duration.record(0.004);
    const sizes = { description: 'Sizes.', boundaries: [1, 10] };
    histogram('ordermesh.test.size', sizes).record(4);
    const shown = await lines();
    expect(shown).toContain('ordermesh_test_duration_bucket{le="0.005"} 1');
    expect(shown.filter((line) => line.startsWith('ordermesh_test_duration_bucket'))).toHaveLength(
      15,
    );
    expect(shown).toContain('ordermesh_test_size_bucket{le="1"} 0');
    expect(shown).toContain('ordermesh_test_size_bucket{le="10"} 1');
  });
});

describe('observeGauge() and observeCounter()', () => {
  test('ask at each scrape, also when made before the provider, until they are disposed', async () => {
    let pending = 3;
    const options = { description: 'Pending.' };
    const observed = observeGauge('ordermesh.test.pending', options, (report) => report(pending));
    const lines = startMetrics();
    expect(await lines()).toContain('ordermesh_test_pending 3');
    pending = 4;
    expect(await lines()).toContain('ordermesh_test_pending 4');
    observed[Symbol.dispose]();
    expect((await lines()).join()).not.toContain('ordermesh_test_pending 4');
  });

  test('report per attribute set, and counters as totals', async () => {
    const lines = startMetrics();
    using _ = observeCounter('ordermesh.test.cpu', { description: 'CPU.', unit: 's' }, (report) => {
      report(1, { mode: 'user' });
      report(2, { mode: 'system' });
    });
    const shown = await lines();
    expect(shown).toContain('ordermesh_test_cpu_total{mode="user"} 1');
    expect(shown).toContain('ordermesh_test_cpu_total{mode="system"} 2');
  });
});
