import { LogDivergedError } from '@ordermesh/contract';
import type { BatchHandler } from '@ordermesh/messaging';
import type { OnDiverged } from './until-diverged.ts';

/** The handler, until one of its calls finds that the log has diverged: then all reject with that. */
export function stoppedByDivergence(
  handler: Required<BatchHandler>,
  onDiverged: OnDiverged,
): BatchHandler {
  let diverged: LogDivergedError | undefined;
  const guarded =
    <A extends unknown[]>(call: (...args: A) => Promise<void>) =>
    async (...args: A) => {
      if (diverged !== undefined) throw diverged;
      try {
        await call(...args);
      } catch (error) {
        if (error instanceof LogDivergedError) {
          diverged ??= error;
          onDiverged(diverged);
        }
        throw error;
      }
    };
  const { assigned, batch, idle, revoked } = handler;
  return {
    assigned: guarded(assigned),
    batch: guarded(batch),
    // The bus would log it once more, and has nothing to try again.
    idle: (partition, signal) => guarded(idle)(partition, signal).catch(unlessDiverged),
    revoked,
  };
}

const unlessDiverged = (error: unknown) => {
  if (!(error instanceof LogDivergedError)) throw error;
};
