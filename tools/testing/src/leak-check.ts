// vitest setupFile: a test file that leaves something open fails.
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll } from 'vitest';
import { activeResources, leakedSince } from './active-resources.ts';

const SETTLE_MS = 3_000;

// Before the test file is imported, and hence the last hook to run: vitest runs afterAll in reverse.
const baseline = activeResources();

afterAll(async () => {
  // A closed socket needs a turn or two until it is gone.
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const leaked = leakedSince(baseline, activeResources());
    if (leaked.length === 0) return;
    if (performance.now() > deadline) {
      throw new Error(`left open by this file: ${leaked.join(', ')}`);
    }
    await delay(25);
  }
});
