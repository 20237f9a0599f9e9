import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { collectorFaults } from './collector-faults.ts';
import { mergeCollectorConfigs } from './merge-collector-configs.ts';

const folder = join(import.meta.dirname, '../../../deploy/otel-collector');
const text = readFileSync(join(folder, 'config.yaml'), 'utf8');
const tailSampling = readFileSync(join(folder, 'tail-sampling.yaml'), 'utf8');

test('the configuration of the collector fits together', () => {
  expect(collectorFaults(text)).toEqual([]);
});

test.each([
  [
    'an exporter that nothing declares',
    'exporters: [otlp/jaeger]',
    'exporters: [otlp/zipkin]',
    'traces uses otlp/zipkin',
  ],
  [
    'a receiver that nothing uses',
    '  otlp:\n    protocols',
    '  zipkin: {}\n  otlp:\n    protocols',
    'zipkin, which nothing uses',
  ],
  ['an extension that nothing declares', '[health_check]', '[pprof]', 'service uses pprof'],
  [
    'an extension that is not switched on',
    'extensions: [health_check]',
    'extensions: []',
    'health_check, which nothing uses',
  ],
  [
    'a section of no such name',
    'receivers:\n  otlp',
    'receiver:\n  otlp',
    'receiver is no section',
  ],
  [
    'a pipeline without a receiver',
    'receivers: [otlp]',
    'receivers: []',
    'traces needs a receiver',
  ],
  ['no pipeline', '    traces:\n', '', 'needs a receiver'],
])('%s is a fault', (_what, from, to, fault) => {
  expect(text).toContain(from);
  expect(collectorFaults(text.replace(from, to)).join('\n')).toContain(fault);
});

test('tail sampling fits on top of it, and decides before traces are batched', () => {
  const merged = mergeCollectorConfigs(text, tailSampling);
  expect(collectorFaults(merged)).toEqual([]);
  expect(parse(merged).service.pipelines.traces).toEqual({
    receivers: ['otlp'],
    processors: ['memory_limiter', 'tail_sampling', 'batch'],
    exporters: ['otlp/jaeger'],
  });
  const misspelt = tailSampling.replace('  tail_sampling:', '  tail_sample:');
  expect(collectorFaults(mergeCollectorConfigs(text, misspelt))).toEqual([
    'traces uses tail_sampling, which processors does not declare',
    'processors declares tail_sample, which nothing uses',
  ]);
});

test('tail sampling keeps every failed and slow trace, and one in a hundred of the rest', () => {
  const { policies } = parse(tailSampling).processors.tail_sampling;
  expect(policies.map(({ type }: { type: string }) => type)).toEqual([
    ...['numeric_attribute', 'string_attribute', 'and', 'latency', 'probabilistic'],
  ]);
  expect(policies.at(-1).probabilistic).toEqual({ sampling_percentage: 1 });
});
