import { parse, stringify } from 'yaml';

/** What a collector makes of two `--config` files: sections of both, and where both say something, the second's; its lists replace the first's. */
export function mergeCollectorConfigs(first: string, second: string): string {
  return stringify(merged(parse(first), parse(second)));
}

function merged(first: unknown, second: unknown): unknown {
  if (!isMap(first) || !isMap(second)) return second;
  const both = { ...first, ...second };
  for (const key of Object.keys(first))
    if (key in second) both[key] = merged(first[key], second[key]);
  return both;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
