import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { alertFaults, runbookFaults } from './alert-faults.ts';
import { dashboards } from './dashboards.ts';
import { grafanaJson } from './grafana.ts';
import { parseMetricTable } from './metric-table.ts';
import { parsePromql } from './promql.ts';
import { knownMetrics, queryFaults } from './query-faults.ts';
import { readRules } from './rule-files.ts';

const root = join(import.meta.dirname, '../../../..');
const folder = join(root, 'deploy/observability');
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');

const rules = readRules(join(folder, 'rules'));
const runbook = textOf('docs/runbook.md');
const known = knownMetrics(parseMetricTable(textOf('docs/metrics.md')), rules.recording);
const queries = dashboards
  .flatMap(({ rows }) => rows)
  .flatMap(({ panels }) => panels)
  .flatMap((panel) => panel.queries);

/** Grafana puts a duration there. */
const asPromql = (query: string) => query.replaceAll('$__rate_interval', '5m');

describe('rules and dashboards', () => {
  test('name only metrics and labels that a process exports, per docs/metrics.md', () => {
    const expressions = [...rules.recording, ...rules.alerting].map(({ expr }) => expr);
    for (const [expr] of queries) expressions.push(asPromql(expr));
    expect(expressions.flatMap((expr) => queryFaults(expr, known))).toEqual([]);
  });

  test.each([
    ['no PromQL', 'sum by (job (up)', 'no PromQL at character'],
    ['an unknown metric', 'ordermesh_relay_waiting > 1', 'nothing exports ordermesh_relay_waiting'],
    [
      'a counter without its suffix',
      'rate(dead_letter_messages[5m])',
      'nothing exports dead_letter_messages',
    ],
    [
      'a histogram without a suffix',
      'rate(query_min_version_wait[5m])',
      'nothing exports query_min_version_wait (see query_min_version_wait)',
    ],
    [
      'a recording that no rule makes',
      'job:requests:rate5m',
      'nothing exports job:requests:rate5m',
    ],
    [
      'a selector of an unknown label',
      'rate(http_server_request_duration_count{code="500"}[5m])',
      'http_server_request_duration_count has no label code',
    ],
    [
      'an aggregation by an unknown label',
      'sum by (job, topic) (ordermesh_consumer_lag)',
      'none of ordermesh_consumer_lag has a label topic',
    ],
    ['a join on an unknown label', 'up * on (pod, shard) up', 'none of up, up has a label shard'],
    [
      'another process than those that export it',
      'ordermesh_projection_lag{job="query"}',
      'query does not export ordermesh_projection_lag',
    ],
    ['a process that does not exist', 'up{job=~"gateway|edge"} == 0', 'edge does not export up'],
  ])('%s is a fault', (_what, expr, fault) => {
    expect(queryFaults(expr, known)).toEqual([expect.stringContaining(fault)]);
  });
});

describe('a dashboard', () => {
  test.each(dashboards.map((dashboard) => [dashboard.uid, dashboard] as const))(
    '%s is committed as it is written down (npm run dashboards:gen)',
    (uid, dashboard) => {
      expect(textOf(`deploy/observability/grafana/${uid}.json`)).toBe(grafanaJson(dashboard));
    },
  );

  test('tells lines apart by labels that its queries leave', () => {
    const unknown = queries.flatMap(([expr, legend]) => {
      const left = parsePromql(asPromql(expr)).groupings.flatMap(({ labels }) => labels);
      return [...legend.matchAll(/{{(\w+)}}/g)]
        .filter(([, label = '']) => !left.includes(label))
        .map(([label]) => `${label} in ${expr}`);
    });
    expect(unknown).toEqual([]);
  });
});

describe('an alert', () => {
  test('says how urgent it is, what is wrong, and where to read on', () => {
    expect(rules.alerting.flatMap(alertFaults)).toEqual([]);
  });

  const example = {
    alert: 'Example',
    expr: 'sum by (job) (up) == 0',
    labels: { severity: 'critical' },
    annotations: { summary: '{{ $labels.job }} is down', runbook_url: 'docs/runbook.md#example' },
  };
  test.each([
    ['no severity', { ...example, labels: {} }, 'the severity ""'],
    ['an unknown severity', { ...example, labels: { severity: 'page' } }, 'the severity "page"'],
    [
      'no summary',
      { ...example, annotations: { runbook_url: 'docs/runbook.md#example' } },
      'has no summary',
    ],
    [
      'no link',
      { ...example, annotations: { summary: 'it is down' } },
      'links to no section of the runbook',
    ],
    [
      'a label that is summed away',
      {
        ...example,
        annotations: { ...example.annotations, summary: '{{ $labels.instance }} is down' },
      },
      'names instance, which its expression does not leave',
    ],
  ])('with %s is a fault', (_what, rule, fault) => {
    expect(alertFaults(example)).toEqual([]);
    expect(alertFaults(rule)).toEqual([expect.stringContaining(fault)]);
  });

  test('has its section in the runbook, and each section its alert', () => {
    expect(runbookFaults(rules.alerting, runbook)).toEqual([]);
    const [first] = rules.alerting;
    expect(runbookFaults(rules.alerting, runbook.replace(`## ${first?.alert}\n`, ''))).toEqual([
      `${first?.alert} has no section`,
    ]);
    expect(runbookFaults(rules.alerting, `${runbook}\n## Nobody calls\n`)).toEqual([
      'the section Nobody calls is of no alert',
    ]);
  });

  test('is seen silent and seen heard by the tests of the rules', () => {
    const file = parse(textOf('deploy/observability/rules/test/alerts.yaml')) as {
      readonly tests: readonly {
        readonly alert_rule_test: readonly {
          readonly alertname: string;
          readonly exp_alerts: readonly { readonly exp_labels: { readonly severity: string } }[];
        }[];
      }[];
    };
    const seen = file.tests
      .flatMap((one) => one.alert_rule_test)
      .flatMap(({ alertname, exp_alerts: heard }) =>
        heard.length === 0
          ? [`${alertname} silent`]
          : heard.map(({ exp_labels: { severity } }) => `${alertname} ${severity}`),
      );
    const expected = rules.alerting.flatMap(({ alert, labels }) => [
      `${alert} silent`,
      `${alert} ${labels?.severity}`,
    ]);
    expect([...new Set(expected)].filter((one) => !seen.includes(one))).toEqual([]);
  });
});

describe('promtool', () => {
  const promtool = (...args: string[]) =>
    spawnSync('promtool', args, { cwd: folder, encoding: 'utf8', timeout: 60_000 });
  const isInstalled = promtool('--version').status === 0;
  if (!isInstalled)
    console.log(
      'promtool was not found: rules are parsed, and the tests of their alerts are left out',
    );

  test.runIf(isInstalled)('accepts configuration and rules', () => {
    expect(promtool('check', 'config', 'prometheus.yml')).toMatchObject({ status: 0, stderr: '' });
  });

  test.runIf(isInstalled)(
    'finds every alert silent and heard when it has to be',
    { timeout: 60_000 },
    () => {
      const { status, stdout, stderr } = promtool('test', 'rules', 'rules/test/alerts.yaml');
      expect({ status, output: stdout + stderr }).toMatchObject({ status: 0 });
    },
  );
});
