/** One metric of a scrape. */
export interface ScrapedMetric {
  readonly type: string;
  /** UCUM; empty without one. */
  readonly unit: string;
  readonly help: string;
  /** The labels of each series. */
  readonly series: readonly ReadonlyMap<string, string>[];
}

/** The metrics of a scrape in the Prometheus text format, by name; a histogram's by the name without `_bucket`, `_sum` and `_count`. */
export function parseScrape(text: string): ReadonlyMap<string, ScrapedMetric> {
  const metrics = new Map<string, { -readonly [K in keyof ScrapedMetric]: ScrapedMetric[K] }>();
  const named = (name: string) => {
    const known = metrics.get(name) ?? { type: '', unit: '', help: '', series: [] };
    metrics.set(name, known);
    return known;
  };
  for (const line of text.split('\n')) {
    const [, kind, about = '', said = ''] = /^# (HELP|TYPE|UNIT) (\S+) ?(.*)$/.exec(line) ?? [];
    if (kind === 'HELP') named(about).help = said;
    else if (kind === 'TYPE') named(about).type = said;
    else if (kind === 'UNIT') named(about).unit = said;
    const [, name, labels = ''] = /^([a-z_][\w:]*)(?:\{(.*)\})? \S+/i.exec(line) ?? [];
    if (name === undefined) continue;
    const metric = metrics.get(name) ?? named(name.replace(histogramSuffix, ''));
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
    metric.series = [
      ...metric.series,
      new Map(pairs.map(([, label = '', is = '']) => [label, is])),
    ];
  }
  return metrics;
}

/** What Prometheus's series of a histogram add to its name. */
export const histogramSuffix = /_(bucket|sum|count)$/;
