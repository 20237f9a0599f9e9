import { create } from '@bufbuild/protobuf';
import { callUnary, connect } from '@ordermesh/rpc';
import { startApp } from '@ordermesh/testing';
import type { ServedCommand } from './serve-command.ts';

/** A command process with a cache of its own, called over gRPC. Disposal kills it. */
export interface CommandProcess extends AsyncDisposable {
  /**
   * Calls any method. Without a `timeoutMs` the call carries no deadline: REQUEST_TIMEOUT_MS of the process ends it.
   * @throws ReasonError
   */
  readonly call: ServedCommand['call'];
  /** Ends the process by a signal and starts another one in its place; calls fail meanwhile. Resolves when that serves. */
  restart(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** What it measured so far, as Prometheus reads it. */
  metrics(): Promise<string>;
}

/** Starts `main.ts` on a log, without rate limits, and resolves when it serves. */
export async function startCommand(
  url: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<CommandProcess> {
  const opened = new AsyncDisposableStack();
  const open = async () => {
    const app = opened.use(
      startApp(`${import.meta.dirname}/..`, {
        COMMAND_PORT: '0',
        COMMAND_ADMIN_PORT: '0',
        LOG_DATABASE_URL: url,
        TOKEN_KEY: '0123456789abcdef',
        RATE_LIMIT: 'off',
        ...settings,
      }),
    );
    const { port, adminPort } = await app.logged('ready');
    const address = `127.0.0.1:${port}`;
    // Closed at the end only: after a restart there may still be calls on the old one.
    const channel = opened.use(
      connect({ address, serviceName: 'ordermesh-test', defaultTimeoutMs: 20_000 }),
    );
    return { app, channel, adminPort };
  };
  let running = await open().catch(async (error: unknown) => {
    await opened.disposeAsync();
    throw error;
  });
  return {
    call: (method, request, options) =>
      callUnary(running.channel, method, create(method.input, request as never) as never, {
        timeoutMs: Number.POSITIVE_INFINITY,
        ...options,
      }),
    async restart(signal) {
      running.app.signal(signal);
      await running.app.ended;
      running = await open();
    },
    async metrics() {
      const url = `http://127.0.0.1:${running.adminPort}/metrics`;
      return (await fetch(url, { headers: { connection: 'close' } })).text();
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
