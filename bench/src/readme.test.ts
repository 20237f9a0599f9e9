import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { performanceTable, withTable } from './readme.ts';
import { type Headline, type Result, readResults } from './result.ts';

const result = (name: string, date: string, headlines: readonly Headline[]): Result => ({
  name,
  date,
  machine: { cores: 2, memoryGiB: 24, cpu: 'CPU', node: '24.0.0' },
  settings: {},
  tables: [],
  headlines,
});
const fast = { figure: 'append', ours: '10/s', beside: 'naive 5/s', ratio: '2x' };

test('the README says what the result files say', () => {
  const text = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  expect(withTable(text, readResults())).toBe(text); // else: npm run bench -- readme
});

test('shows each headline, and where and when each bench was run', () => {
  const results = [
    result('append', '2026-01-02', [fast]),
    result('load', '2026-01-02', [{ ...fast, figure: 'load', beside: '', ratio: '' }]),
    result('relay', '2026-01-03', []),
  ];
  expect(performanceTable(results)).toBe(`
| figure | ordermesh | beside it, in the same run | factor |
|---|---|---|---|
| append | 10/s | naive 5/s | 2x |
| load | 10/s | – | – |

- 2026-01-02, 2 cores (CPU), 24 GiB, Node 24.0.0: append, load.
- 2026-01-03, 2 cores (CPU), 24 GiB, Node 24.0.0: relay.
`);
});

test('changes nothing outside the markers, and refuses a README without them', () => {
  const text =
    'before\n<!-- performance: npm run bench -- readme -->\nold\n<!-- /performance -->\nafter\n';
  const changed = withTable(text, [result('append', '2026-01-02', [fast])]);
  expect(changed).toMatch(/^before\n[\s\S]*\| append \|[\s\S]*\nafter\n$/);
  expect(changed).not.toContain('old');
  expect(() => withTable('before', [])).toThrow('README.md lacks');
});
