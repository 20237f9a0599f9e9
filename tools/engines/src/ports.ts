import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describeExit, type EngineProcess } from './engine-process.ts';

const READY_WITHIN_MS = 120_000; // two cores shared by many: Elasticsearch took 54 s at worst

/** Whether nothing listens on `port` of 127.0.0.1 now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** @throws when `port` is taken, with what to do. */
export async function assertPortFree(name: string, port: number): Promise<void> {
  if (!(await isPortFree(port))) {
    throw new Error(`port ${port} is taken: free it, or choose another for ${name}`);
  }
}

/** Whether 127.0.0.1 accepts a connection on `port`. */
export async function acceptsConnections(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/**
 * Asks `isReady` every 50 ms until it says so.
 *
 * @throws when the process ends first, with its last lines, or after 120 s, when it is killed.
 */
export async function untilEngineReady(
  name: string,
  engine: EngineProcess,
  isReady: () => Promise<boolean>,
): Promise<void> {
  let ended: Error | undefined;
  void engine.exited.then((exit) => {
    ended = new Error(describeExit(name, exit));
  });
  const deadline = performance.now() + READY_WITHIN_MS;
  while (!(await isReady())) {
    if (ended) throw ended;
    if (performance.now() > deadline) {
      engine.signal('SIGKILL');
      await engine.exited;
      throw new Error(`${name} was not ready within ${READY_WITHIN_MS / 1000} s`);
    }
    await delay(50);
  }
}
