import { flushTelemetry, isRegistered, type Logger, logger, selfCheck } from '@ordermesh/telemetry';
import { readProcessSettings } from './config.ts';
import { type ControlledLifecycle, createLifecycle, type Lifecycle } from './lifecycle.ts';
import { operatorLines } from './startup-error.ts';

/**
 * A stop signal within this time of the first one is the same request: a Ctrl-C reaches the whole process group and is
 * forwarded by npm too, so that a process sees SIGINT twice within milliseconds.
 */
const sameSignalMs = 250;

/** How long sockets and timers may outlive the body before they are reported and cut off. */
const leakGraceMs = 1000;

/**
 * Runs one process: `body` acquires its resources in order with `await using`, calls `life.ready()`, and awaits
 * `life.stopping`; then the scope ends and everything closes in reverse order.
 *
 * SIGTERM or SIGINT stops it: what is buffered of traces is sent and the process ends with code 0. A second signal
 * (250 ms or more after the first) ends it at once, with code 1, and so does a drain that outlasts `DRAIN_TIMEOUT`
 * (default 10 s, counted from the signal), with a log line that names what was still open. Code 1 also for:
 * a `StartupError` or any other error with `lines` ({@link operatorLines}: they go to stderr, no stack), any other error
 * of the body, an uncaught exception, an unhandled rejection (one log line each).
 *
 * A socket or timer that survives the body does not keep the process: it is reported after a second, and the process
 * ends. The promise resolves when the body is done and telemetry is flushed; it never rejects.
 */
export async function runProcess(
  name: string,
  body: (life: Lifecycle) => Promise<void>,
): Promise<void> {
  const log = logger(name);
  const life = createLifecycle(name);
  const openBefore = process.getActiveResourcesInfo();
  const stillOpen = () => subtract(process.getActiveResourcesInfo(), openBefore);
  dieOnUncaught(log);
  // A body that only waits has nothing that keeps Node running; without this it would end with code 13.
  const alive = setInterval(() => {}, 2 ** 31 - 1);
  let code = 0;
  try {
    const { drainTimeoutMs } = readProcessSettings();
    const overrun = () => {
      clearInterval(alive);
      const what = life.closing().join(', ') || 'the body has not returned';
      const open = stillOpen();
      log.error({ open }, `not stopped within DRAIN_TIMEOUT (${drainTimeoutMs} ms): ${what}`);
      process.exit(1);
    };
    stopOnSignals(life, log, () => setTimeout(overrun, drainTimeoutMs).unref());
    log.info({ pid: process.pid, grpcTraced: isRegistered() && (await selfCheck()) }, 'starting');
    await body(life);
  } catch (error) {
    code = reportFailure(name, life, log, error);
  }
  const flushed = await flushTelemetry();
  clearInterval(alive);
  if (code === 0) log.info('stopped');
  // The exporter's retries would hold the process and look like a leak of ours.
  if (!flushed) process.exit(code);
  process.exitCode = code;
  setTimeout(() => {
    log.warn({ open: stillOpen() }, 'leaving with something still open');
    process.exit(code);
  }, leakGraceMs).unref();
}

function stopOnSignals(life: ControlledLifecycle, log: Logger, startDrainTimer: () => void): void {
  let firstAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    const now = performance.now();
    if (firstAt === undefined) {
      firstAt = now;
      log.info({ signal }, 'stopping');
      startDrainTimer();
      life.stop(signal);
    } else if (now - firstAt >= sameSignalMs) {
      log.warn({ signal }, 'second stop signal: leaving at once');
      process.exit(1);
    }
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

/** Says what went wrong, and answers the exit code. */
function reportFailure(name: string, life: Lifecycle, log: Logger, error: unknown): number {
  // A start that was interrupted by the stop signal did what it was told.
  if (life.signal.aborted && isAbort(error, life.signal)) return 0;
  for (const fault of faultsOf(error)) {
    const lines = operatorLines(fault);
    for (const line of lines ?? []) process.stderr.write(`ordermesh-${name}: ${line}\n`);
    if (lines === undefined)
      log.error({ err: fault }, life.state === 'starting' ? 'could not start' : 'failed');
  }
  return 1;
}

/** A failed disposal must not hide the error that ended the body: both are in a SuppressedError, the first one inside. */
function faultsOf(error: unknown): unknown[] {
  return error instanceof SuppressedError
    ? [...faultsOf(error.suppressed), ...faultsOf(error.error)]
    : [error];
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError');
}

function dieOnUncaught(log: Logger): void {
  process.on('uncaughtException', (err, origin) => {
    log.fatal(
      { err },
      origin === 'unhandledRejection' ? 'unhandled rejection' : 'uncaught exception',
    );
    process.exit(1);
  });
}

/** What is in `all` more often than in `known`. */
function subtract(all: readonly string[], known: readonly string[]): string[] {
  const rest = [...known];
  return all.filter((name) => {
    const at = rest.indexOf(name);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}
