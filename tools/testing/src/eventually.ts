import { setTimeout as delay } from 'node:timers/promises';

/** How long {@link eventually} tries. */
export interface EventuallyOptions {
  /** Milliseconds until it gives up. Default 10 000: generous, because a passing condition ends it early. */
  readonly withinMs?: number;
  /** Milliseconds between two attempts. Default 25. */
  readonly everyMs?: number;
}

/**
 * Calls `attempt` until it neither throws nor answers `false`, and returns its answer. For conditions
 * that another process or thread of control makes true; it replaces every sleep.
 *
 * @throws after `withinMs`, also when an attempt hangs; `cause` is the last attempt's error, and the
 * stack is that of the caller.
 */
export async function eventually<T>(
  attempt: () => T | Promise<T>,
  { withinMs = 10_000, everyMs = 25 }: EventuallyOptions = {},
): Promise<Exclude<T, false>> {
  const failure = new Error(); // made here: its stack names the line of the test
  const deadline = performance.now() + withinMs;
  let attempts = 0;
  let last: unknown;
  do {
    attempts++;
    try {
      const answer = await before(deadline, attempt);
      if (answer !== false) return answer as Exclude<T, false>;
      last = new Error('answered false');
    } catch (error) {
      last = error;
    }
    await delay(Math.min(everyMs, Math.max(0, deadline - performance.now())));
  } while (performance.now() < deadline);
  const reason = last instanceof Error ? last.message : String(last);
  failure.message = `not within ${withinMs} ms (${attempts} attempts); at last: ${reason}`;
  failure.cause = last;
  throw failure;
}

async function before<T>(deadline: number, attempt: () => T | Promise<T>): Promise<T> {
  const limit = new AbortController();
  try {
    const overdue = delay(Math.max(0, deadline - performance.now()), undefined, limit).then(() => {
      throw new Error('the attempt did not end');
    });
    overdue.catch(() => {}); // lost the race
    return await Promise.race([attempt(), overdue]);
  } finally {
    limit.abort();
  }
}
