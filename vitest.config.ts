import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { findJava } from './tools/engines/src/java/find-java.ts';

const telemetry = './libs/telemetry/src/register.ts';

/** The cheap ones first. */
const projectOrder = ['unit', 'int', 'engines', 'e2e', 'e2e-full'];

/** Suffix tells cost: `.test.ts` touches nothing outside its process, `.int.test.ts` a real PostgreSQL, `.engine.test.ts` a real Kafka, Elasticsearch or Redis, `.e2e.test.ts` the running mesh, `.e2e-full.test.ts` the mesh on Kafka and Elasticsearch. */
const project = (
  name: string,
  { include, exclude = [], timeoutMs, engines, env = {} }: ProjectOptions,
) => ({
  extends: true as const,
  test: {
    name,
    include: typeof include === 'string' ? [include] : [...include],
    exclude: ['**/node_modules/**', ...exclude],
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs * 2,
    env,
    globalSetup: engines.map((kind) => `./tools/testing/src/global-${kind}.ts`),
    // Most tests wait for engines, so two files share two cores well. Each e2e file starts a mesh: two at a time only slow each other down.
    maxWorkers: name.startsWith('e2e') ? 1 : 2,
    sequence: { groupOrder: projectOrder.indexOf(name) },
  },
});

interface ProjectOptions {
  readonly include: string | readonly string[];
  readonly exclude?: readonly string[];
  readonly timeoutMs: number;
  /** What runs while these tests do: `postgres`, and Kafka, Elasticsearch and Redis as `engines`. */
  readonly engines: readonly ('postgres' | 'engines')[];
  readonly env?: Record<string, string>;
}

/** Both engines need Java. Without it only a local run may do without them, as in project `engines`. */
const hasRealEngines =
  !/kafka|elasticsearch/i.test(process.env.ENGINES_SKIP ?? '') &&
  (process.env.CI === 'true' || findJava(21) !== undefined);
if (!hasRealEngines)
  console.log('e2e-full is left out: it needs Kafka and Elasticsearch, on Java 21');

/** What holds whatever the engines are. */
const onBothEngines = [
  'e2e/order-journey.e2e.test.ts',
  'e2e/trace.e2e.test.ts',
  ...(process.env.SOAK === undefined ? [] : ['e2e/log-diverged.e2e.test.ts']),
];

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    reporters: ['default', './tools/testing/src/summary-reporter.ts'],
    setupFiles: [
      ...(existsSync(telemetry) ? [telemetry] : []),
      './tools/testing/src/leak-check.ts',
    ],
    projects: [
      project('unit', {
        include: '**/*.test.ts',
        exclude: [
          '**/*.int.test.ts',
          '**/*.engine.test.ts',
          '**/*.e2e.test.ts',
          '**/*.e2e-full.test.ts',
        ],
        timeoutMs: 20_000,
        engines: [],
      }),
      project('int', { include: '**/*.int.test.ts', timeoutMs: 60_000, engines: ['postgres'] }),
      project('engines', {
        include: '**/*.engine.test.ts',
        timeoutMs: 180_000, // a busy machine took 54 s for one start of Elasticsearch
        engines: ['postgres', 'engines'],
      }),
      project('e2e', {
        include: 'e2e/**/*.e2e.test.ts',
        timeoutMs: 120_000,
        engines: ['postgres'],
      }),
      ...(hasRealEngines
        ? [
            project('e2e-full', {
              include: ['e2e/**/*.e2e-full.test.ts', ...onBothEngines],
              timeoutMs: 180_000,
              engines: [],
              env: { E2E_ENGINES: 'real' },
            }),
          ]
        : []),
    ],
  },
});
