import type { Spread } from './spread.ts';

/** Measured figures with one unit. */
export interface Table {
  readonly title: string;
  /** Of every figure in it, e.g. `appends/s`. */
  readonly unit: string;
  /** What the rows are, e.g. `callers`. */
  readonly head: string;
  readonly columns: readonly string[];
  readonly rows: readonly {
    readonly name: string;
    /** One per column; null where there is nothing to measure. */
    readonly cells: readonly (Spread | null)[];
  }[];
}

/** As Markdown: median (min–max), or the one sample. */
export function markdown({ title, unit, head, columns, rows }: Table): string {
  const lines = rows.map(({ name, cells }) =>
    line([name, ...cells.map((cell) => (cell === null ? '–' : cellText(cell)))]),
  );
  const rule = `|${'---|'.repeat(columns.length + 1)}`;
  return [`${title}, ${unit}\n`, line([head, ...columns]), rule, ...lines].join('\n');
}

/** The figure of a row in a column. @throws Error when the table has none */
export function figure(table: Table, row: string, column: string): Spread {
  const cells = table.rows.find(({ name }) => name === row)?.cells;
  const cell = cells?.[table.columns.indexOf(column)];
  if (cell === undefined || cell === null)
    throw new Error(`${table.title} has no figure of ${row} in ${column}`);
  return cell;
}

/** Three digits that count, with separators. */
export function round(value: number): string {
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return Number(value.toPrecision(3)).toLocaleString('en', {
    maximumFractionDigits: Math.min(digits, 2),
  });
}

const cellText = ({ median, min, max }: Spread) =>
  min === max ? round(median) : `${round(median)} (${round(min)}–${round(max)})`;
const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
