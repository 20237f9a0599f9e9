import { styleText } from 'node:util';

const COLORS = ['cyan', 'green', 'yellow', 'magenta', 'blue', 'gray'] as const;

/** Writes lines of several processes to one place, each behind the name of its process. */
export interface Output {
  /** A function that prints a line of `name`; each name gets the next colour. */
  of(name: string): (line: string) => void;
  /** Prints a line as it is: for what people paste. */
  plain(line: string): void;
}

/** `color` only on a terminal: escape codes make a log file unreadable. */
export function prefixedOutput(options: {
  readonly write: (text: string) => void;
  readonly names: readonly string[];
  readonly color: boolean;
}): Output {
  const width = Math.max(...options.names.map((name) => name.length));
  return {
    plain: (line) => options.write(`${line}\n`),
    of(name) {
      const prefix = `${name.padEnd(width)} |`;
      const color = COLORS[options.names.indexOf(name) % COLORS.length] ?? 'gray';
      const shown = options.color ? styleText(color, prefix, { validateStream: false }) : prefix;
      return (line) => options.write(`${shown} ${line}\n`);
    },
  };
}
