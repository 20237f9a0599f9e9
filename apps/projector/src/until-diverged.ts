import type { LogDivergedError } from '@ordermesh/contract';
import { type Consumer, logDiverged } from '@ordermesh/messaging';
import { logger } from '@ordermesh/telemetry';

const log = logger('projector');

/** The consumers of a process, each until its projection finds that the log has diverged from what it made of it. */
export interface UntilDiverged {
  /** For readiness. @throws LogDivergedError once one has */
  check(): void;
  /**
   * Starts a consumer. It leaves its group for good when `onDiverged` is called, so that nothing is tried again and again; the process stays, to say why.
   * @throws what `consume` does
   */
  start(consume: (onDiverged: OnDiverged) => Promise<Consumer>): Promise<Consumer>;
}

/** Called at least once. */
export type OnDiverged = (error: LogDivergedError) => void;

/** None has diverged yet. */
export function untilDiverged(): UntilDiverged {
  const diverged: LogDivergedError[] = [];

  async function stop(consumer: Consumer, error: LogDivergedError): Promise<void> {
    diverged.push(error);
    logDiverged.record(1);
    log.fatal(error.message);
    await consumer[Symbol.asyncDispose]();
  }

  return {
    check() {
      for (const error of diverged) throw error;
    },
    async start(consume) {
      const found = Promise.withResolvers<LogDivergedError>();
      const consumer = await consume(found.resolve);
      void found.promise.then((error) => stop(consumer, error));
      return consumer;
    },
  };
}
