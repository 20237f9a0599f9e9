import { freePort } from '../free-port.ts';
import { isPortFree } from '../ports.ts';
import { whenOrphaned } from '../postgres/orphan-guard.ts';
import type { EngineName, LocalEngine } from '../provide.ts';
import { type Docker, dockerAnswers, dockerCompose } from './docker.ts';

/** What `docker compose config` says of a service. */
interface Resolved {
  readonly image?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly { readonly published: string }[];
}

/** Engines of the compose file that run. */
export interface ComposedEngines extends AsyncDisposable {
  readonly engines: Readonly<Partial<Record<EngineName, LocalEngine>>>;
}

/** What {@link startComposed} takes. */
export interface ComposeOptions {
  /**
   * `usual`: the project of this folder, on the usual ports where they are free, its data kept; engines that run there already are used, and left
   * running. `free`: a project of its own on free ports, whose data is removed at the end.
   */
  readonly ports: 'free' | 'usual';
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
}

const portVariables: Readonly<Record<EngineName, readonly [variable: string, usual: number]>> = {
  kafka: ['KAFKA_PORT', 9092],
  elasticsearch: ['ELASTICSEARCH_PORT', 9200],
  redis: ['REDIS_PORT', 6379],
  postgres: ['POSTGRES_PORT', 5432],
};

/** Images may have to be pulled first: 1.3 GB for all of them. */
const UP_WITHIN_MS = 600_000;
const STOP_WITHIN_MS = 60_000;

/**
 * Starts engines with `docker compose up --wait`, when a docker engine answers. They stop when this process dies.
 * @returns undefined when no docker engine answers
 * @throws when it does, and an engine could not be started
 */
export async function startComposed(
  names: readonly EngineName[],
  { ports, env, say }: ComposeOptions,
): Promise<ComposedEngines | undefined> {
  if (!(await dockerAnswers(env))) return undefined;
  const project = ports === 'free' ? `ordermesh-${process.pid}` : undefined;
  const running = await runningServices(dockerCompose(env, project));
  const own = names.filter((name) => !running.has(name));
  const withPorts = { ...env, ...(await chosenPorts(own, ports, env)) };
  const docker = dockerCompose(withPorts, project);

  const end = ports === 'free' ? ['down', '--volumes'] : ['stop', ...own];
  await using resources = new AsyncDisposableStack();
  if (own.length > 0) {
    say(`docker compose starts ${own.join(', ')}`);
    resources.use(whenOrphaned(docker.command(...end), withPorts));
    resources.defer(async () => void (await docker.compose(end, STOP_WITHIN_MS)));
    await docker.compose(['up', '--wait', ...own], UP_WITHIN_MS);
  }
  const config = await docker.compose(['config', '--format', 'json'], STOP_WITHIN_MS);
  const { services } = JSON.parse(config) as { services: Record<string, Resolved | undefined> };
  const engines = Object.fromEntries(
    names.map((name) => {
      const stop = own.includes(name) ? ['stop', name] : undefined;
      return [name, asEngine(name, services[name] ?? {}, docker, stop)];
    }),
  );
  const owned = resources.move();
  return { engines, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function runningServices(docker: Docker): Promise<ReadonlySet<string>> {
  const args = ['ps', '--status', 'running', '--services'];
  return new Set((await docker.compose(args, STOP_WITHIN_MS)).split('\n'));
}

async function chosenPorts(
  names: readonly EngineName[],
  ports: 'free' | 'usual',
  env: NodeJS.ProcessEnv,
): Promise<Record<string, string>> {
  const chosen: Record<string, string> = {};
  for (const name of names) {
    const [variable, usual] = portVariables[name];
    if (ports === 'usual' && (env[variable] || (await isPortFree(usual)))) continue;
    chosen[variable] = String(await freePort());
  }
  return chosen;
}

function asEngine(
  name: EngineName,
  { image = '', environment = {}, ports = [] }: Resolved,
  docker: Docker,
  stop: readonly string[] | undefined,
): LocalEngine {
  const published = ports[0]?.published;
  if (published === undefined) throw new Error(`the compose file publishes no port of ${name}`);
  const address = `127.0.0.1:${published}`;
  const urls: Readonly<Record<EngineName, string>> = {
    kafka: address,
    elasticsearch: `http://${address}`,
    redis: `redis://${address}`,
    postgres: `postgres://${environment.POSTGRES_USER}:${encodeURIComponent(environment.POSTGRES_PASSWORD ?? '')}@${address}/postgres`,
  };
  return {
    url: urls[name],
    version: image.split(':').at(-1) ?? '',
    async [Symbol.asyncDispose]() {
      if (stop !== undefined) await docker.compose(stop, STOP_WITHIN_MS);
    },
  };
}
