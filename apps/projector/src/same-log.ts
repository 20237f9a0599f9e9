import {
  type LastEvent,
  LogDivergedError,
  type LogPoint,
  requireSameLog,
} from '@ordermesh/contract';
import { contextFrom, inSpan } from '@ordermesh/telemetry';

/** Asks the log what it has at a position. Rejects when it cannot be asked. */
export type ReadLogPoint = (position: bigint, signal: AbortSignal) => Promise<LogPoint>;

/** Whether the views of one partition and the log are still of the same history. */
export interface SameLog {
  /** The log's id, once the log has answered or the views knew it. */
  logId(): string | undefined;
  /** True until the log has answered once. */
  isPending(): boolean;
  /**
   * Compares when it is due: until the log has answered once, at most each second, then every 15 s. A log that cannot be asked holds nobody up: the
   * partition goes on, and what is compared is still the event that it began with.
   * @throws LogDivergedError
   */
  check(last: LastEvent, signal: AbortSignal): Promise<void>;
  /** Compares now. @throws LogDivergedError, or what kept the log from answering */
  require(last: LastEvent, signal: AbortSignal): Promise<void>;
}

/** What {@link sameLog} needs. */
export interface SameLogOptions {
  /** Of the projection, for the message. */
  readonly name: string;
  readonly readPoint: ReadLogPoint;
  /** What the views contain as their owner takes the partition over. */
  readonly first: LastEvent;
  /** Default: 15,000 */
  readonly everyMs?: number;
}

/** Not now; it is asked again. */
const isExpected = (error: unknown) => !(error instanceof LogDivergedError);

/** How long a check may hold its partition up. */
const withinMs = 250;
const retryMs = 1_000;

/** Nothing is compared yet. */
export function sameLog({ name, readPoint, first, everyMs = 15_000 }: SameLogOptions): SameLog {
  let { logId } = first;
  let pending: LastEvent | undefined = first; // what the partition began with, until the log has answered
  let dueAt = 0;

  async function require(last: LastEvent, signal: AbortSignal): Promise<void> {
    const point = await readPoint(last.position, signal);
    requireSameLog(name, { ...last, logId }, point);
    ({ logId } = point);
  }

  return {
    logId: () => logId,
    isPending: () => pending !== undefined,
    require,
    async check(last, signal) {
      const now = performance.now();
      if (now < dueAt) return;
      dueAt = now + (pending === undefined ? everyMs : retryMs);
      const limited = AbortSignal.any([signal, AbortSignal.timeout(withinMs)]);
      try {
        // Of nobody's trace, whoever's event may be handled right now.
        const options = { parent: contextFrom(undefined), isExpected };
        await inSpan('compare with the log', options, () => require(pending ?? last, limited));
        pending = undefined;
        dueAt = now + everyMs;
      } catch (error) {
        if (!isExpected(error)) throw error;
      }
    },
  };
}
