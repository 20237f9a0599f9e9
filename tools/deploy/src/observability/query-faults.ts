import type { MetricRow } from './metric-table.ts';
import { parsePromql } from './promql.ts';
import { histogramSuffix } from './scrape.ts';

/** What scraping adds to each series. `job` is the process's name. */
export const targetLabels: readonly string[] = ['job', 'instance', 'namespace', 'pod'];

/** The labels of a metric, and the processes that export it. */
export interface Known {
  readonly labels: readonly string[];
  readonly processes: readonly string[];
}

/** Everything that an expression may name: the table's metrics, what Prometheus itself records, and the recording rules. */
export function knownMetrics(
  table: ReadonlyMap<string, MetricRow>,
  recorded: readonly { readonly record: string; readonly expr: string }[],
): ReadonlyMap<string, Known> {
  const known = new Map<string, Known>();
  const everyProcess = [...new Set([...table.values()].flatMap(({ processes }) => processes))];
  for (const { name, type, labels, optionalLabels, processes } of table.values()) {
    const own = { labels: [...labels, ...optionalLabels], processes };
    if (type !== 'histogram') known.set(name, own);
    else {
      known.set(`${name}_bucket`, { ...own, labels: [...own.labels, 'le'] });
      for (const suffix of ['sum', 'count']) known.set(`${name}_${suffix}`, own);
    }
  }
  known.set('up', { labels: [], processes: everyProcess });
  for (const { record, expr } of recorded)
    known.set(record, { labels: parsePromql(expr).resultLabels ?? [], processes: everyProcess });
  return known;
}

/** What is wrong with an expression, one line each: its syntax, a metric that nothing exports, a label that its metric does not have, a process that does not export it. */
export function queryFaults(expression: string, known: ReadonlyMap<string, Known>): string[] {
  let query: ReturnType<typeof parsePromql>;
  try {
    query = parsePromql(expression);
  } catch (error) {
    return [(error as Error).message];
  }
  const labelsOf = (metric: string) => [...(known.get(metric)?.labels ?? []), ...targetLabels];
  const bySelector = query.selectors.flatMap(({ metric, matchers }) => {
    const found = known.get(metric);
    if (found === undefined) {
      const family = metric.replace(histogramSuffix, '');
      const hint = known.has(`${metric}_bucket`) || known.has(family) ? ` (see ${family})` : '';
      return [`nothing exports ${metric}${hint}`];
    }
    return matchers.flatMap(({ label, op, value }) => {
      if (!labelsOf(metric).includes(label)) return [`${metric} has no label ${label}`];
      if (label !== 'job' || op.startsWith('!')) return [];
      return value
        .split('|')
        .filter((process) => !found.processes.includes(process))
        .map((process) => `${process} does not export ${metric}`);
    });
  });
  const byGrouping = query.groupings.flatMap(({ labels, metrics }) =>
    labels
      .filter((label) => !metrics.some((metric) => labelsOf(metric).includes(label)))
      .map((label) => `none of ${metrics.join(', ')} has a label ${label}`),
  );
  return [...bySelector, ...byGrouping];
}
