import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const telemetry = './libs/telemetry/src/register.ts';

/** Suffix tells cost: `.test.ts` touches nothing outside its process, `.int.test.ts` a real PostgreSQL, `.engine.test.ts` a real Kafka, Elasticsearch or Redis, `.e2e.test.ts` the running mesh. */
const project = (name: string, { include, exclude = [], timeoutMs, engines }: ProjectOptions) => ({
  extends: true as const,
  test: {
    name,
    include: [include],
    exclude: ['**/node_modules/**', ...exclude],
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs * 2,
    globalSetup: engines.map((kind) => `./tools/testing/src/global-${kind}.ts`),
    fileParallelism: name !== 'e2e', // each e2e file starts a mesh: two at a time only slow each other down
  },
});

interface ProjectOptions {
  readonly include: string;
  readonly exclude?: readonly string[];
  readonly timeoutMs: number;
  /** What runs while these tests do: `postgres`, and Kafka, Elasticsearch and Redis as `engines`. */
  readonly engines: readonly ('postgres' | 'engines')[];
}

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
        exclude: ['**/*.int.test.ts', '**/*.engine.test.ts', '**/*.e2e.test.ts'],
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
    ],
  },
});
