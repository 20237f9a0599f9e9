import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Does `work` again and again until `signal` fires, at once and then with jittered pauses (±25 %), so that processes started together do not stay in step.
 * @param onFailing told about the first failure of a row, not about each
 */
export async function repeat(
  work: () => Promise<void>,
  pauseMs: () => number,
  onFailing: (error: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let failing = false; !signal.aborted; ) {
    try {
      await work();
      failing = false;
    } catch (error) {
      if (!failing && !signal.aborted) onFailing(error);
      failing = true;
    }
    const jitteredMs = pauseMs() * (0.75 + Math.random() / 2);
    await sleep(jitteredMs, undefined, { signal }).catch(() => undefined);
  }
}
