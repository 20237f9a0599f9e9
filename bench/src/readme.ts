import { readFileSync, writeFileSync } from 'node:fs';
import { type Result, readResults } from './result.ts';

const [begin, end] = ['<!-- performance: npm run bench -- readme -->', '<!-- /performance -->'];
const readme = new URL('../../README.md', import.meta.url);

/** Rewrites the README's performance table from the results that are kept. */
export function rewriteReadme(): void {
  writeFileSync(readme, withTable(readFileSync(readme, 'utf8'), readResults()));
}

/** A README whose table, between its markers, says what the results say. @throws Error when it has no markers */
export function withTable(text: string, results: readonly Result[]): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md lacks ${begin} … ${end}`);
  return `${text.slice(0, from)}${begin}\n${performanceTable(results)}\n${text.slice(to)}`;
}

/** The headlines of all results, and where they were measured. */
export function performanceTable(results: readonly Result[]): string {
  const rows = results.flatMap(({ headlines }) =>
    headlines.map(
      ({ figure, ours, beside, ratio }) =>
        `| ${figure} | ${ours} | ${beside || '–'} | ${ratio || '–'} |`,
    ),
  );
  const benches = new Map<string, string[]>();
  for (const { name, date, machine } of results) {
    const { cores, cpu, memoryGiB, node } = machine;
    const where = `${date}, ${cores} cores (${cpu}), ${memoryGiB} GiB, Node ${node}`;
    benches.set(where, [...(benches.get(where) ?? []), name]);
  }
  const places = [...benches].map(([where, names]) => `- ${where}: ${names.join(', ')}.`);
  return `
| figure | ordermesh | beside it, in the same run | factor |
|---|---|---|---|
${rows.join('\n')}

${places.join('\n')}
`;
}
