/** What callers got done. */
export interface Driven {
  /** Calls that were answered. */
  readonly calls: number;
  readonly perSecond: number;
  /** CPU time of this process per call, in microseconds: the client library's share and the caller's own. */
  readonly cpuMicros: number;
  /** Of each call, sorted. */
  readonly latenciesMs: readonly number[];
}

/** Until when callers go on. */
export type Until = (elapsedMs: number) => boolean;

/** A time. */
export const forMs =
  (ms: number): Until =>
  (elapsedMs) =>
    elapsedMs < ms;

/**
 * A closed loop: each caller calls again as soon as it is answered, as long as `goesOn`; calls under way are waited for.
 * @param caller makes the loop of one caller; what a call does before its first `await` follows `goesOn` at once
 * @throws what a call throws: a run with an error has no figure
 */
export async function drive(
  callers: number,
  goesOn: Until,
  caller: () => () => Promise<unknown>,
): Promise<Driven> {
  const latenciesMs: number[] = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  await Promise.all(
    Array.from({ length: callers }, async () => {
      const call = caller();
      for (let from = start; goesOn(from - start); ) {
        await call();
        const to = performance.now();
        latenciesMs.push(to - from);
        from = to;
      }
    }),
  );
  const elapsedMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  const calls = latenciesMs.length;
  return {
    calls,
    perSecond: (calls / elapsedMs) * 1000,
    cpuMicros: (user + system) / calls,
    latenciesMs: latenciesMs.sort((a, b) => a - b),
  };
}
