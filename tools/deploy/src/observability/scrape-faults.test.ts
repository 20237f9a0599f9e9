import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseMetricTable } from './metric-table.ts';
import { parseScrape } from './scrape.ts';
import { scrapeFaults, valueFaults } from './scrape-faults.ts';

const root = join(import.meta.dirname, '../../../..');
const documented = parseMetricTable(readFileSync(join(root, 'docs/metrics.md'), 'utf8'));

const table = `
| \`calls_total\` | counter | {call} | \`to\`, \`why?\` | gateway | | Calls made. |
| \`wait\` | histogram | s | | gateway, query | | Time waited. |
| \`sent_total\` | counter | | | command | Kafka | Messages sent. |
`;
const wait = `# HELP wait Time waited.
# UNIT wait s
# TYPE wait histogram
wait_bucket{le="1"} 1
wait_sum 0.2
wait_count 1
`;
const gateway = `${wait}# HELP calls_total Calls made.
# UNIT calls_total {call}
# TYPE calls_total counter
calls_total{to="a, \\"b\\""} 1
calls_total{to="b",why="c"} 1
`;

function faults(gatewayText: string, queryText: string, has: readonly string[] = []) {
  const scrapes = new Map([
    ['gateway', parseScrape(gatewayText)],
    ['query', parseScrape(queryText)],
  ]);
  return scrapeFaults(parseMetricTable(table), scrapes, has);
}

test('processes that export what the table says have no fault, whatever needs more than they have', () => {
  expect(faults(gateway, wait)).toEqual([]);
});

test.each([
  [
    'a metric without a row',
    gateway.replaceAll('calls_total', 'call_total'),
    wait,
    'gateway exports call_total, which has no row',
  ],
  [
    'a metric of another process',
    gateway,
    gateway,
    'query exports calls_total, and its row does not name that process',
  ],
  ['a missing metric', gateway, '', 'query does not export wait'],
  [
    'another type',
    gateway.replace('calls_total counter', 'calls_total gauge'),
    wait,
    'gateway: calls_total has the type "gauge"',
  ],
  ['another unit', gateway, wait.replace('wait s', 'wait ms'), 'query: wait has the unit "ms"'],
  [
    'another meaning',
    gateway,
    wait.replace('Time', 'Times'),
    'query: wait has the description "Times waited."',
  ],
  [
    'a label without a cell',
    gateway.replace('why=', 'how='),
    wait,
    'gateway: calls_total has the label how',
  ],
  [
    'a series without a label',
    gateway.replace('to="b",', ''),
    wait,
    'gateway: calls_total has a series without the label to',
  ],
])('%s is a fault', (_what, gatewayText, queryText, fault) => {
  expect(faults(gatewayText, queryText).join('\n')).toContain(fault);
});

test('what a mesh has is not missing from its processes', () => {
  expect(faults(gateway, wait, ['Kafka'])).toEqual(['command does not export sent_total']);
});

test('a label value that an expression asks for and no series has is a fault', () => {
  const scrapes = new Map([['gateway', parseScrape(gateway)]]);
  const good =
    'rate(wait_bucket{job="gateway", le="1"}[5m]) and calls_total{to="b"} or away{to="x"}';
  expect(valueFaults([good], scrapes)).toEqual([]);
  expect(
    valueFaults(['wait_bucket{le="0.5"}', 'calls_total{to=~"b|c", why="d"}'], scrapes),
  ).toEqual(['no series of wait_bucket has le="0.5"', 'no series of calls_total has why="d"']);
});

test('a table with a broken row, or two of one metric, is refused', () => {
  expect(() => parseMetricTable('| `a` | counter | |')).toThrow('no row');
  expect(() => parseMetricTable('| `a` | summary | | | all | | A. |')).toThrow('no row');
  expect(() => parseMetricTable(table + table)).toThrow('calls_total has two rows');
});

test('every instrument of the sources is in docs/metrics.md, whatever fault it waits for', () => {
  const made = /\b(counter|gauge|histogram|observe\w*)\(\s*['`]([a-z0-9_]+\.[a-z0-9_.]+)/g;
  const sources = globSync('{libs,apps}/*/src/**/*.ts', { cwd: root }).filter(
    (path) => !path.endsWith('.test.ts'),
  );
  const names = sources.flatMap((path) =>
    [...readFileSync(join(root, path), 'utf8').matchAll(made)].map(([, kind, name = '']) => {
      const exported = name.replaceAll('.', '_');
      return /counter/i.test(kind ?? '') ? `${exported}_total` : exported;
    }),
  );
  expect(names.length).toBeGreaterThan(40);
  expect(names.filter((name) => !documented.has(name) && !name.endsWith('_'))).toEqual([]);
});
