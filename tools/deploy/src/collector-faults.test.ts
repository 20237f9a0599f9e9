import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { collectorFaults } from './collector-faults.ts';

const path = join(import.meta.dirname, '../../../deploy/otel-collector/config.yaml');
const text = readFileSync(path, 'utf8');

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
