import type { MetricRow } from './metric-table.ts';
import { parsePromql } from './promql.ts';
import { targetLabels } from './query-faults.ts';
import { histogramSuffix, type ScrapedMetric } from './scrape.ts';

/** Scrapes by process. */
export type Scrapes = ReadonlyMap<string, ReadonlyMap<string, ScrapedMetric>>;

/**
 * Where the table and what the processes of a mesh export differ, one line each.
 * @param has what the mesh has of what rows need: rows that need something else may be missing
 */
export function scrapeFaults(
  table: ReadonlyMap<string, MetricRow>,
  scrapes: Scrapes,
  has: readonly string[],
): string[] {
  const untold = [...scrapes].flatMap(([process, metrics]) =>
    [...metrics].flatMap(([name, metric]) => {
      const row = table.get(name);
      if (row === undefined) return [`${process} exports ${name}, which has no row`];
      const here = row.processes.includes(process)
        ? []
        : [`${process} exports ${name}, and its row does not name that process`];
      return [...here, ...differences(row, metric).map((fault) => `${process}: ${name} ${fault}`)];
    }),
  );
  const missing = [...table.values()]
    .filter(({ needs }) => needs === '' || has.includes(needs))
    .flatMap(({ name, processes }) =>
      processes
        .filter((process) => !scrapes.get(process)?.has(name))
        .map((process) => `${process} does not export ${name}`),
    );
  return [...untold, ...missing];
}

/** The label values that expressions ask for, of metrics that the mesh exports, and that no series has: an alert on one never comes. One line each. */
export function valueFaults(expressions: readonly string[], scrapes: Scrapes): string[] {
  const seriesOf = (metric: string) =>
    [...scrapes.values()].flatMap(
      (metrics) =>
        (metrics.get(metric) ?? metrics.get(metric.replace(histogramSuffix, '')))?.series ?? [],
    );
  const selectors = expressions.flatMap((expression) => parsePromql(expression).selectors);
  const faults = selectors.flatMap(({ metric, matchers }) => {
    const series = seriesOf(metric);
    return matchers
      .filter(({ label, op }) => op === '=' && !targetLabels.includes(label) && series.length > 0)
      .filter(({ label, value }) => !series.some((labels) => labels.get(label) === value))
      .map(({ label, value }) => `no series of ${metric} has ${label}="${value}"`);
  });
  return [...new Set(faults)];
}

function differences(row: MetricRow, { type, unit, help, series }: ScrapedMetric): string[] {
  const said = (what: string, is: string, told: string) =>
    is === told ? [] : [`has the ${what} "${is}", and its row says "${told}"`];
  const known = new Set([...row.labels, ...row.optionalLabels, 'le']);
  const seen = new Set(series.flatMap((labels) => [...labels.keys()]));
  return [
    ...said('type', type, row.type),
    ...said('unit', unit, row.unit),
    ...said('description', help, row.meaning),
    ...[...seen]
      .filter((label) => !known.has(label))
      .map((label) => `has the label ${label}, which its row lacks`),
    ...row.labels
      .filter((label) => series.some((labels) => !labels.has(label)))
      .map((label) => `has a series without the label ${label}`),
  ];
}
