/** A graph. Rates are taken over `$__rate_interval`. */
export interface Panel {
  readonly title: string;
  /** Of Grafana: `s`, `reqps`, `percentunit`, `short`, … */
  readonly unit: string;
  /** What it shows, each with its legend (`{{label}}`). */
  readonly queries: readonly (readonly [expr: string, legend: string])[];
}

/** A page of graphs in named rows. */
export interface Dashboard {
  /** Its address and its file's name. */
  readonly uid: string;
  readonly title: string;
  readonly rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[];
}

const datasource = { type: 'prometheus', uid: '$datasource' };
const columns = 3;
const width = 24 / columns;
const height = 8;

/** The dashboard as Grafana imports it: three graphs beside each other, and a choice of the Prometheus that is asked. */
export function grafanaJson({ uid, title, rows }: Dashboard): string {
  const panels: unknown[] = [];
  let y = 0;
  for (const row of rows) {
    panels.push({
      ...{ id: panels.length + 1, type: 'row', title: row.title, collapsed: false, panels: [] },
      gridPos: { x: 0, y: y++, w: 24, h: 1 },
    });
    row.panels.forEach((panel, i) => {
      const gridPos = { x: (i % columns) * width, y: y + Math.floor(i / columns) * height };
      panels.push(graph(panel, panels.length + 1, { ...gridPos, w: width, h: height }));
    });
    y += Math.ceil(row.panels.length / columns) * height;
  }
  const variable = {
    name: 'datasource',
    type: 'datasource',
    query: 'prometheus',
    label: 'Prometheus',
  };
  const page = {
    ...{ uid, title, tags: ['ordermesh'], schemaVersion: 39, version: 1, editable: true },
    ...{ refresh: '30s', time: { from: 'now-1h', to: 'now' }, timezone: 'browser' },
    templating: { list: [variable] },
    panels,
  };
  return `${JSON.stringify(page, null, 2)}\n`;
}

const graph = ({ title, unit, queries }: Panel, id: number, gridPos: object) => ({
  ...{ id, type: 'timeseries', title, datasource, gridPos },
  fieldConfig: { defaults: { unit, min: 0, custom: { fillOpacity: 10 } }, overrides: [] },
  options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } },
  targets: queries.map(([expr, legendFormat], i) => ({
    ...{ refId: String.fromCharCode(65 + i), datasource, expr, legendFormat },
  })),
});
