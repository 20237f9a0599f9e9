// `npm run bench -- NAME [--quick] [--full]`: measures, prints Markdown tables and keeps the result; README.md beside it says how to read them.
import { markdown } from './measure/table.ts';
import { rewriteReadme } from './readme.ts';
import { type Measured, resultOf, writeResult } from './result.ts';

interface Options {
  /** A minute instead of several, to see a tendency; no result file. */
  readonly quick: boolean;
  /** With what takes long. */
  readonly full: boolean;
}

// Loaded when asked for: emmett changes how node-postgres parses bigint, for the whole process.
const benches: Readonly<Record<string, (options: Options) => Promise<Measured>>> = {
  append: async (options) => (await import('./append/append.ts')).append(options),
  load: async (options) => (await import('./load/load.ts')).measureLoad(options),
  projection: async (options) =>
    (await import('./pipeline/projection.ts')).measureProjection(options),
  relay: async (options) => (await import('./pipeline/relay.ts')).measureRelay(options),
  rebuild: async (options) => (await import('./pipeline/rebuild.ts')).rebuild(options),
  grpc: async (options) => (await import('./grpc/grpc.ts')).measureGrpc(options),
  'read-your-write': async (options) =>
    (await import('./read-your-write.ts')).readYourWrite(options),
  growth: async (options) => (await import('./growth/growth.ts')).growth(options),
  limit: async (options) => (await import('./limit/limit.ts')).measureLimit(options),
  resilience: async (options) =>
    (await import('./resilience/resilience.ts')).measureResilience(options),
};

process.env.LOG_LEVEL ??= 'warn'; // what is measured in this process, and the processes it starts
const [name = '', ...options] = process.argv.slice(2);
const bench = benches[name];
if (name === 'readme') {
  rewriteReadme();
} else if (bench !== undefined) {
  const quick = options.includes('--quick');
  const result = resultOf(name, await bench({ quick, full: options.includes('--full') }));
  const { cores, memoryGiB, cpu, node } = result.machine;
  console.log(`${cores} cores (${cpu}), ${memoryGiB} GiB, Node ${node}\n`);
  for (const [what, how] of Object.entries(result.settings)) console.log(`- ${what}: ${how}`);
  for (const table of result.tables) console.log(`\n${markdown(table)}`);
  if (!quick) writeResult(result);
} else {
  const names = Object.keys(benches).join(', ');
  console.error(`npm run bench -- readme, or NAME [--quick] [--full], with NAME one of: ${names}`);
  process.exitCode = 1;
}
