import {
  consoleProgress,
  type EngineNode,
  type LocalEngine,
  provideEngines,
} from '@ordermesh/engines';
import type { Engine } from './supervise.ts';

const KINDS = [
  { engine: 'kafka', name: 'Kafka', variable: 'KAFKA_BROKERS' },
  { engine: 'elasticsearch', name: 'Elasticsearch', variable: 'ELASTICSEARCH_URL' },
  { engine: 'redis', name: 'Redis', variable: 'REDIS_URL' },
] as const;

/**
 * Kafka, Elasticsearch and Redis, on their usual ports where these are free: in docker compose where a docker engine answers, else as local processes with
 * their data below `dataDir`. Whoever sets KAFKA_BROKERS, ELASTICSEARCH_URL or REDIS_URL runs that one himself.
 *
 * @throws when one cannot be had, unless ENGINES_SKIP names it: then the mesh does without.
 */
export async function startFullEngines(
  dataDir: string,
  say: (line: string) => void,
): Promise<readonly Engine[]> {
  const { local } = await provideEngines(
    { kafka: true, elasticsearch: true, redis: true },
    { ports: 'usual', dataDir, required: true, progress: consoleProgress(process.stdout, say) },
  );
  return KINDS.flatMap(({ engine, name, variable }) => {
    const started = local[engine];
    if (started === undefined) return [];
    return started.node
      ? asEngine(name, variable, started, started.node)
      : asContainer(name, variable, started);
  });
}

function asEngine(name: string, variable: string, local: LocalEngine, node: EngineNode): Engine {
  return {
    name,
    env: { [variable]: local.url },
    ended: node.exited.then(({ code, signal }) => signal ?? `exit code ${code}`),
    async restart() {
      await node.restart();
      return asEngine(name, variable, local, node);
    },
    stop: () => Promise.resolve(local[Symbol.asyncDispose]()),
    kill: () => void node.kill(),
  };
}

/** What docker compose runs: it restarts by itself, so for us it ends only when it is stopped. */
function asContainer(name: string, variable: string, local: LocalEngine): Engine {
  const ended = Promise.withResolvers<string>();
  const container: Engine = {
    name,
    env: { [variable]: local.url },
    ended: ended.promise,
    restart: () => Promise.resolve(container),
    async stop() {
      await local[Symbol.asyncDispose]();
      ended.resolve('stopped');
    },
    kill: () => ended.resolve('left to docker'),
  };
  return container;
}
