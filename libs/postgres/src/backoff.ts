/**
 * Wait before attempt `failures + 1`: doubles from `firstMs` up to `lastMs`, and lies between half of that and all of it, so that processes that
 * lost the same server do not return in step ("equal jitter", AWS Architecture Blog 2015).
 * @param failures consecutive ones, from 1
 * @param random uniform in [0, 1)
 */
export function backoffMs(
  failures: number,
  firstMs: number,
  lastMs: number,
  random: () => number,
): number {
  const ceiling = Math.min(lastMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return ceiling / 2 + (ceiling / 2) * random();
}
