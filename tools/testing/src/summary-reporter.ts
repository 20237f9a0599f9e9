import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** What {@link summarize} counts of a run. */
export interface Summary {
  readonly passed: number;
  readonly failed: number;
  /** Full names of what did not run: nothing is skipped silently. */
  readonly skipped: readonly string[];
}

/**
 * Counts the tests of a run. A file that fails without a failing test (an import, a hook, the leak check) and
 * an error outside every test count as one failure each, so that `failed` is 0 only for a good run.
 */
export function summarize(
  modules: readonly TestModule[],
  unhandledErrors: readonly unknown[],
): Summary {
  let passed = 0;
  let failed = unhandledErrors.length;
  const skipped: string[] = [];
  for (const module of modules) {
    let failedHere = 0;
    for (const test of module.children.allTests() as Iterable<TestCase>) {
      const { state } = test.result();
      if (state === 'passed') passed++;
      else if (state === 'failed') failedHere++;
      else skipped.push(`${module.relativeModuleId} > ${test.fullName}`);
    }
    if (failedHere === 0 && module.state() === 'failed') failedHere = 1;
    failed += failedHere;
  }
  return { passed, failed, skipped };
}

/** Prints `N passed, N failed` as the last line of the process, and before it what was skipped. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const { passed, failed, skipped } = summarize(modules, unhandledErrors);
    // At exit: other reporters and the teardown print after this hook.
    process.once('exit', () => {
      for (const name of skipped) console.log(`skipped: ${name}`);
      console.log(`${passed} passed, ${failed} failed`);
    });
  }
}
