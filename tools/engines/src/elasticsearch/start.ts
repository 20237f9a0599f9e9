import { noProgress, type Progress } from '../cache/progress.ts';
import { dataFolder } from '../data-folder.ts';
import { type EngineNode, startNode } from '../engine-node.ts';
import { requireJava } from '../java/find-java.ts';
import { assertPortFree } from '../ports.ts';
import { ELASTICSEARCH_VERSION, installElasticsearch } from './install.ts';
import { startServer } from './server.ts';

/** What {@link startElasticsearch} takes. */
export interface ElasticsearchOptions {
  /** TCP port of 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /** Keeps the data here across runs. Default: a temporary folder, removed at the end. */
  readonly dataDir?: string;
  /** Told about downloads. Default: nothing. */
  readonly progress?: Progress;
}

/** A running Elasticsearch: one node, no security, loopback only. Dispose ends it; `restart` keeps its port. */
export interface Elasticsearch extends EngineNode, AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly version: string;
}

const MINIMUM_JAVA = 21;

/**
 * Starts Elasticsearch and resolves when it serves: 10–19 s, the first time about 10 s more, for the download. It
 * is the server core of Maven Central: no scripts, no ILM, few analyzers; `GET /` answers 405. Root runs it as
 * `nobody`, because it refuses root. It ends when this process dies.
 *
 * @throws when no Java 21 is found, the download fails, a fixed `port` is taken, or it ends at start; the first
 * line of the message says what to do.
 */
export async function startElasticsearch(
  options: ElasticsearchOptions = {},
): Promise<Elasticsearch> {
  const { progress = noProgress } = options;
  const java = requireJava('Elasticsearch', MINIMUM_JAVA);
  const home = await installElasticsearch(java, progress);
  if (options.port !== undefined) await assertPortFree('Elasticsearch', options.port);

  await using resources = new AsyncDisposableStack();
  const folder = resources.use(dataFolder('elasticsearch', options.dataDir));
  let port = options.port ?? 0;
  const node = await startNode(async () => {
    const server = await startServer(home, java, folder.path, port);
    port = server.port;
    return server.process;
  });
  resources.defer(() => node.stop());
  const owned = resources.move();
  return {
    url: `http://127.0.0.1:${port}`,
    version: ELASTICSEARCH_VERSION,
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
