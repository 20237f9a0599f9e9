import { connect } from 'node:net';
import { noProgress, type Progress } from '../cache/progress.ts';
import { dataFolder } from '../data-folder.ts';
import { type EngineNode, type OwnedNode, startNode } from '../engine-node.ts';
import { spawnEngine } from '../engine-process.ts';
import { freePort } from '../free-port.ts';
import { assertPortFree, untilEngineReady } from '../ports.ts';
import { installRedis, redisEnv } from './install.ts';

/** What {@link startRedis} takes. */
export interface RedisOptions {
  /** TCP port of 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /**
   * Keeps the data here, also through `kill -9` (append-only file, synced before each answer).
   * Default: in memory only; a restart is empty.
   */
  readonly dataDir?: string;
  /** Told about downloads. Default: nothing. */
  readonly progress?: Progress;
}

/** A running Redis with {@link REDIS_DATABASES} databases. Dispose ends it; `restart` keeps its port. */
export interface Redis extends EngineNode, AsyncDisposable {
  /** `redis://127.0.0.1:<port>` */
  readonly url: string;
  readonly version: string;
}

/** Enough that each test file of a run has one of its own. */
export const REDIS_DATABASES = 1024;

const START_ATTEMPTS = 3;

/**
 * Starts Redis and resolves when it answers PING: 0.1 s, the first time about 5 s more, for the package.
 * It ends when this process dies.
 *
 * @throws when there is no Redis and none can be fetched, a fixed `port` is taken, or it ends at start; the first
 * line of the message says what to do.
 */
export async function startRedis(options: RedisOptions = {}): Promise<Redis> {
  const { progress = noProgress, dataDir } = options;
  const redis = await installRedis(progress);
  if (options.port !== undefined) await assertPortFree('Redis', options.port);

  await using resources = new AsyncDisposableStack();
  const folder = resources.use(dataFolder('redis', dataDir));
  const durability =
    dataDir === undefined
      ? ['--appendonly', 'no']
      : ['--appendonly', 'yes', '--appendfsync', 'always'];
  const { node, port } = await startWithRetries(options.port, (port) =>
    startNode(async () => {
      const server = spawnEngine({
        program: redis.program,
        args: [
          ...['--bind', '127.0.0.1', '--port', String(port)],
          ...['--dir', folder.path, '--save', '', ...durability],
          ...['--databases', String(REDIS_DATABASES)],
        ],
        env: redisEnv(redis),
      });
      await untilEngineReady('Redis', server, () => answersPing(port));
      return server;
    }),
  );
  resources.defer(() => node.stop());
  const owned = resources.move();
  return {
    url: `redis://127.0.0.1:${port}`,
    version: redis.version,
    get pid() {
      return node.pid;
    },
    get exited() {
      return node.exited;
    },
    kill: node.kill,
    restart: node.restart,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A free port may be taken before Redis binds it: that passes by trying again with another. */
async function startWithRetries(
  fixedPort: number | undefined,
  start: (port: number) => Promise<OwnedNode>,
): Promise<{ node: OwnedNode; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = fixedPort ?? (await freePort());
    try {
      return { node: await start(port), port };
    } catch (error) {
      const taken = (error as Error).message.includes('Address already in use');
      if (!taken || fixedPort !== undefined || attempt === START_ATTEMPTS) throw error;
    }
  }
}

/** While it loads its data, Redis answers PING with an error. */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.once('data', (answer) => {
      resolve(answer.toString() === '+PONG\r\n');
      socket.destroy();
    });
    socket.once('error', () => {});
    socket.once('close', () => resolve(false));
  });
}
