/** The first wait before a restart. */
export const FIRST_DELAY_MS = 250;
/** The longest one. */
export const LONGEST_DELAY_MS = 5_000;
/** Who lived this long starts from the first wait again. */
export const HEALTHY_AFTER_MS = 30_000;

/**
 * The wait before the next start of a process that lived `aliveMs`: 250 ms, doubling to 5 s.
 * `previousMs` is the wait before the start that just ended, undefined when that was the first.
 */
export function nextDelayMs(previousMs: number | undefined, aliveMs: number): number {
  if (previousMs === undefined || aliveMs >= HEALTHY_AFTER_MS) return FIRST_DELAY_MS;
  return Math.min(previousMs * 2, LONGEST_DELAY_MS);
}
