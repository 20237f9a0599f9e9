import { type EngineExit, type EngineProcess, endEngine } from './engine-process.ts';

/** One server of an engine, which a test may kill and start again at the same address with the same data. */
export interface EngineNode {
  /** Of the process that runs now, or ran last. */
  readonly pid: number;
  /** Resolves when the process of {@link pid} ended, for whatever reason. Never rejects. */
  readonly exited: Promise<EngineExit>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts it again and resolves when it is ready; one that still runs is stopped first. */
  restart(): Promise<void>;
}

/** An {@link EngineNode} for whoever owns it. */
export interface OwnedNode extends EngineNode {
  /** Ends it for good (SIGTERM, SIGKILL after 10 s). Idempotent. */
  stop(): Promise<void>;
}

/** Starts a node; `start` resolves when its process is ready and is called again by each restart. */
export async function startNode(start: () => Promise<EngineProcess>): Promise<OwnedNode> {
  let current = await start();
  const stop = () => endEngine(current);
  return {
    get pid() {
      return current.pid;
    },
    get exited() {
      return current.exited;
    },
    async kill() {
      current.signal('SIGKILL');
      await current.exited;
    },
    async restart() {
      await stop();
      current = await start();
    },
    stop,
  };
}
