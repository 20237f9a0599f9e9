/** What the signals to this process ask for. */
export interface StopRequest {
  /** Aborts at the first SIGINT, SIGTERM or SIGHUP, with the signal's name as its reason. */
  readonly stop: AbortSignal;
  /** Aborts at the next one. */
  readonly kill: AbortSignal;
}

/**
 * At a terminal, Ctrl-C reaches this process twice within milliseconds: from the terminal, and forwarded by npm.
 * A second signal within this time is no impatience.
 */
const SAME_SIGNAL_MS = 500;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Where signals come from: `process`, or a stand-in. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
}

/** Listens until this process ends: from now on the signals do not end it by themselves. */
export function stopRequest(
  source: SignalSource = process,
  now: () => number = () => performance.now(),
): StopRequest {
  const stop = new AbortController();
  const kill = new AbortController();
  let firstAt = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    if (!stop.signal.aborted) {
      firstAt = now();
      stop.abort(signal);
    } else if (now() - firstAt >= SAME_SIGNAL_MS) {
      kill.abort(signal);
    }
  };
  for (const signal of SIGNALS) source.on(signal, onSignal);
  return { stop: stop.signal, kill: kill.signal };
}
