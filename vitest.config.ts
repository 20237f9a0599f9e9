import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const telemetry = './libs/telemetry/src/register.ts';

/** Suffix tells cost: `.test.ts` touches nothing outside its process, `.int.test.ts` a real engine, `.e2e.test.ts` the running mesh. */
const project = (name: string, { include, exclude = [], timeoutMs, postgres }: ProjectOptions) => ({
  extends: true as const,
  test: {
    name,
    include: [include],
    exclude: ['**/node_modules/**', ...exclude],
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs * 2,
    globalSetup: postgres ? ['./tools/testing/src/global-postgres.ts'] : [],
    fileParallelism: name !== 'e2e', // each e2e file starts a mesh: two at a time only slow each other down
  },
});

interface ProjectOptions {
  readonly include: string;
  readonly exclude?: readonly string[];
  readonly timeoutMs: number;
  readonly postgres: boolean;
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
        exclude: ['**/*.int.test.ts', '**/*.e2e.test.ts'],
        timeoutMs: 20_000,
        postgres: false,
      }),
      project('int', { include: '**/*.int.test.ts', timeoutMs: 60_000, postgres: true }),
      project('e2e', { include: 'e2e/**/*.e2e.test.ts', timeoutMs: 120_000, postgres: true }),
    ],
  },
});
