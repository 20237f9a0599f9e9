/** A row of docs/metrics.md. */
export interface MetricRow {
  /** As Prometheus has it. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** UCUM; empty without one. */
  readonly unit: string;
  /** Those that every series has. */
  readonly labels: readonly string[];
  /** Those that only some series have; `label?` in the table. */
  readonly optionalLabels: readonly string[];
  readonly processes: readonly string[];
  /** What the mesh needs for it besides traffic, `Kafka`; empty for nothing. */
  readonly needs: string;
  /** Its HELP line. */
  readonly meaning: string;
}

/** What `all` in the table stands for. */
const everyProcess = ['gateway', 'command', 'query', 'projector', 'customer'];

/** The rows of the tables in a Markdown text. @throws Error for a row that has other cells than the head says, or a second row of one metric */
export function parseMetricTable(markdown: string): ReadonlyMap<string, MetricRow> {
  const rows = new Map<string, MetricRow>();
  for (const line of markdown.split('\n').filter((line) => line.startsWith('| `'))) {
    const cells = line.split('|').map((cell) => cell.trim().replaceAll('`', ''));
    const [, name = '', type, unit = '', labels = '', processes = '', needs = '', meaning = ''] =
      cells;
    if (cells.length !== 9 || !isType(type)) throw new Error(`no row of a metric: ${line}`);
    if (rows.has(name)) throw new Error(`${name} has two rows`);
    const all = words(labels);
    rows.set(name, {
      ...{
        name,
        type,
        unit,
        needs,
        meaning,
        processes: processes === 'all' ? everyProcess : words(processes),
      },
      labels: all.filter((label) => !label.endsWith('?')),
      optionalLabels: all.flatMap((label) => (label.endsWith('?') ? label.slice(0, -1) : [])),
    });
  }
  return rows;
}

const words = (cell: string) => cell.split(/[\s,]+/).filter(Boolean);

const isType = (text: string | undefined): text is MetricRow['type'] =>
  text === 'counter' || text === 'gauge' || text === 'histogram';
