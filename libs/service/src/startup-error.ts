/**
 * A process cannot start for a reason that its operator can mend. `runProcess` prints the lines on stderr, without a
 * stack, and exits with code 1.
 */
export class StartupError extends Error {
  override readonly name: string = 'StartupError';
  /** What is wrong and what it must be, a line each, naming the variable to change. */
  readonly lines: readonly string[];

  constructor(lines: readonly string[], options?: ErrorOptions) {
    super(lines.join('\n'), options);
    this.lines = lines;
  }
}

/**
 * The lines for the operator in an error: those of a {@link StartupError}, or of any other error with `lines` of its own, because the kernel's
 * other libraries must not import this one. Undefined for all other errors.
 */
export function operatorLines(error: unknown): readonly string[] | undefined {
  if (!(error instanceof Error && 'lines' in error && Array.isArray(error.lines))) return undefined;
  return error.lines;
}

/** Settings are missing or malformed; all of them are named at once. Thrown by `readSettings`. */
export class ConfigError extends StartupError {
  override readonly name = 'ConfigError';
}

/** A server could not listen on its address: taken, not permitted, or not of this machine. Made by {@link listenError}. */
export class ListenError extends StartupError {
  override readonly name = 'ListenError';
}

/** Where a server meant to listen, and the variable that said so. */
export interface ListenTarget {
  readonly host: string;
  readonly port: number;
  readonly portVariable: string;
}

const explanations = {
  EADDRINUSE: 'is already in use',
  EACCES: 'may not be used by this user',
  EADDRNOTAVAIL: 'is not an address of this machine; see HOST',
  ENOTFOUND: 'has an unknown host name; see HOST',
} as const;

/**
 * Turns the error of a `listen` into a {@link ListenError} with one clear line; any other error is returned unchanged.
 * Node puts the reason into `code`; grpc-js only into the message.
 */
export function listenError(error: unknown, target: ListenTarget): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  for (const [reason, explanation] of Object.entries(explanations)) {
    if (code !== reason && !String(message).includes(reason)) continue;
    const line = `${target.portVariable}: ${target.host}:${target.port} ${explanation}`;
    return new ListenError([line], { cause: error });
  }
  return error;
}
