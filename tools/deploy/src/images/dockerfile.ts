/** One instruction of a Dockerfile: `COPY a b`. */
export interface Instruction {
  readonly name: string;
  readonly rest: string;
}

/** The instructions of a Dockerfile, continued lines joined, `$NAME` filled in where `args` knows it. */
export function readDockerfile(
  text: string,
  args: Readonly<Record<string, string>> = {},
): Instruction[] {
  return text
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => /^([A-Z]+)\s+(.*)$/.exec(line.trim()))
    .filter((match) => match !== null)
    .map(([, name = '', rest = '']) => ({
      name,
      rest: rest.replaceAll(/\$\{?([A-Z]+)\}?/g, (found, arg) => args[arg] ?? found),
    }));
}

/** What of it describes the image itself: the instructions after the last FROM. */
export function lastStage(instructions: readonly Instruction[]): readonly Instruction[] {
  return instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM') + 1);
}

/** The words of an instruction in exec form, `["node", "main.ts"]`; undefined when it runs in a shell. */
export function execForm(rest: string): readonly string[] | undefined {
  if (!rest.startsWith('[')) return undefined;
  const words: unknown = JSON.parse(rest);
  return Array.isArray(words) && words.every((word) => typeof word === 'string')
    ? words
    : undefined;
}

/** The environment that the image of a process of ours sets. @param text the Dockerfile of our processes */
export function imageEnvironment(text: string, app: string): Readonly<Record<string, string>> {
  return pairsOf(lastStage(readDockerfile(text, { APP: app })), 'ENV');
}

/** The pairs of ENV or LABEL instructions, quotes removed. */
export function pairsOf(
  instructions: readonly Instruction[],
  name: 'ENV' | 'LABEL',
): Readonly<Record<string, string>> {
  const found = instructions
    .filter((instruction) => instruction.name === name)
    .flatMap(({ rest }) => [...rest.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S*))/g)]);
  return Object.fromEntries(
    found.map(([, key, quoted, bare]) => [key, quoted ?? bare] as [string, string]),
  );
}
