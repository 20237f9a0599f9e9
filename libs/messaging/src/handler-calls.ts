import type { Logger } from '@ordermesh/telemetry';
import type { BatchHandler } from './bus.ts';

/** What the owner of a partition calls of its handler besides batches; one call at a time is the owner's business. */
export interface HandlerCalls {
  /** Calls `assigned`, unless it has resolved already. Rejects with what that does. */
  assign(): Promise<void>;
  isAssigned(): boolean;
  /** When housekeeping is due (`performance.now()`); never, infinity, when the handler has none. */
  idleDueAt(): number;
  /** Calls `idle`. Never rejects. */
  idle(): Promise<void>;
  /** Calls `revoked` when `assigned` was called. Never rejects. */
  revoke(): Promise<void>;
}

/** @param signal fires when the partition is lost */
export function handlerCalls(
  partition: number,
  signal: AbortSignal,
  {
    handler,
    idleEveryMs,
    log,
  }: { readonly handler: BatchHandler; readonly idleEveryMs: number; readonly log: Logger },
): HandlerCalls {
  let entered = false; // `assigned` was called, so `revoked` is owed
  let assigned = false;
  let dueAt = 0;
  return {
    async assign() {
      if (assigned) return;
      entered = true;
      await handler.assigned(partition, signal);
      assigned = true;
    },
    isAssigned: () => assigned,
    idleDueAt: () => (handler.idle === undefined ? Number.POSITIVE_INFINITY : dueAt),
    async idle() {
      try {
        await handler.idle?.(partition, signal);
      } catch (err) {
        if (!signal.aborted) log.warn({ err, partition }, 'housekeeping failed');
      }
      // At least 10 ms: with 0 the partition would do nothing else for ever.
      dueAt = performance.now() + Math.max(10, idleEveryMs);
    },
    async revoke() {
      try {
        if (entered) await handler.revoked(partition);
      } catch (err) {
        log.warn({ err, partition }, 'revoke failed');
      }
    },
  };
}
