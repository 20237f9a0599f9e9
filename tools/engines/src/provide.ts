import { join } from 'node:path';
import type { Progress } from './cache/progress.ts';
import { consoleProgress } from './cache/progress.ts';
import { type ComposedEngines, startComposed } from './compose/start.ts';
import { dataFolder } from './data-folder.ts';
import { startElasticsearch } from './elasticsearch/start.ts';
import type { EngineNode } from './engine-node.ts';
import { startKafka } from './kafka/start.ts';
import { isPortFree } from './ports.ts';
import { startPostgres } from './postgres/start.ts';
import { startRedis } from './redis/start.ts';

/** The engines that {@link provideEngines} knows. */
export type EngineName = 'kafka' | 'elasticsearch' | 'redis' | 'postgres';

/** What {@link provideEngines} takes besides the engines. */
export interface ProvideOptions {
  /** `usual`: 9092, 9200, 6379 and 5432 where they are free; `free`: any. */
  readonly ports: 'free' | 'usual';
  /** Keeps each engine's data in a folder of its name below this one. Default: temporary folders. */
  readonly dataDir?: string;
  /** Told one line per engine, and about downloads. Default: the console. */
  readonly progress?: Progress;
  /** Default: that of the process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Whether an engine that cannot be had is an error, unless ENGINES_SKIP names it. Default: with CI=true. */
  readonly required?: boolean;
}

/** The engines that could be had. Dispose ends those that were started here. */
export interface ProvidedEngines extends AsyncDisposable {
  /** What KAFKA_BROKERS, ELASTICSEARCH_URL, REDIS_URL and DATABASE_URL take. */
  readonly urls: Readonly<Partial<Record<EngineName, string>>>;
  /** Why an engine that was asked for is not among {@link urls}, in one line each. */
  readonly missing: Readonly<Partial<Record<EngineName, string>>>;
  /** Those on this machine that no variable names; whoever disposes of one ends it before the others. */
  readonly local: Readonly<Partial<Record<EngineName, LocalEngine>>>;
}

/** What a local process is started with. */
export interface LocalOptions {
  readonly port?: number;
  readonly dataDir?: string;
  readonly progress: Progress;
}

/** A server on this machine, whichever engine it is. Disposing of it ends it, unless docker compose ran it before. */
export interface LocalEngine extends AsyncDisposable {
  readonly url: string;
  readonly version: string;
  /**
   * Its process, to be started again at the same address when it ended. None for PostgreSQL, which `startPostgres` restarts, and under docker
   * compose, which restarts by itself.
   */
  readonly node?: EngineNode;
}

/** How one engine is had. */
export interface EngineKind {
  readonly title: string;
  /** An existing server is named by it. */
  readonly variable: string;
  readonly usualPort: number;
  start(options: LocalOptions): Promise<LocalEngine>;
}

const KINDS: Readonly<Record<EngineName, EngineKind>> = {
  kafka: {
    title: 'Kafka',
    variable: 'KAFKA_BROKERS',
    usualPort: 9092,
    async start(options) {
      const kafka = await startKafka(options);
      const [node] = kafka.nodes; // the only one
      return Object.assign(kafka, { url: kafka.brokers, ...(node && { node }) });
    },
  },
  elasticsearch: {
    title: 'Elasticsearch',
    variable: 'ELASTICSEARCH_URL',
    usualPort: 9200,
    start: async (options) => withNode(await startElasticsearch(options)),
  },
  redis: {
    title: 'Redis',
    variable: 'REDIS_URL',
    usualPort: 6379,
    start: async (options) => withNode(await startRedis(options)),
  },
  postgres: {
    title: 'PostgreSQL',
    variable: 'DATABASE_URL',
    usualPort: 5432,
    start: startLocalPostgres,
  },
};

const withNode = <E extends EngineNode>(engine: E) => Object.assign(engine, { node: engine });

const NAMES = Object.keys(KINDS) as EngineName[];

/**
 * Sees to it that the engines asked for run, all at the same time, and says one line about each. A server that the
 * environment names (KAFKA_BROKERS, ELASTICSEARCH_URL, REDIS_URL, DATABASE_URL) wins; otherwise docker compose starts one where a docker
 * engine answers; otherwise a local process starts. Both end when this process dies. Engines named in ENGINES_SKIP (comma-separated) are left out.
 *
 * @throws with `required` (by default with CI=true, because nothing may go untested silently) when an engine cannot be
 * had. Those that did start are ended first.
 */
export async function provideEngines(
  wanted: Readonly<Partial<Record<EngineName, boolean>>>,
  options: ProvideOptions,
): Promise<ProvidedEngines> {
  return provideFrom(KINDS, wanted, options);
}

/** {@link provideEngines}, with other ways to have them. */
export async function provideFrom(
  kinds: Readonly<Record<EngineName, EngineKind>>,
  wanted: Readonly<Partial<Record<EngineName, boolean>>>,
  options: ProvideOptions,
  compose: typeof byCompose = byCompose,
): Promise<ProvidedEngines> {
  const { env = process.env, progress = consoleProgress() } = options;
  const { required = env.CI === 'true' } = options;
  const skipped = skippedEngines(env.ENGINES_SKIP);
  const urls: Partial<Record<EngineName, string>> = {};
  const missing: Partial<Record<EngineName, string>> = {};
  const local: Partial<Record<EngineName, LocalEngine>> = {};
  await using resources = new AsyncDisposableStack();
  const asked = NAMES.filter((name) => wanted[name]);
  const toStart = asked.filter((name) => !skipped.has(name) && !env[kinds[name].variable]);
  const composed = resources.use(await compose(toStart, { ...options, env, progress }));
  const provide = async (name: EngineName): Promise<void> => {
    const kind = kinds[name];
    const given = env[kind.variable];
    if (skipped.has(name)) {
      missing[name] = 'skipped by ENGINES_SKIP';
      progress.say(`${kind.title}: ${missing[name]}`);
    } else if (given) {
      urls[name] = given;
      progress.say(`${kind.title}: the server of ${kind.variable} (${withoutPassword(given)})`);
    } else {
      try {
        const engine =
          composed?.engines[name] ??
          resources.use(await startLocally(name, kind, options, progress));
        local[name] = engine;
        urls[name] = engine.url;
      } catch (error) {
        [missing[name] = ''] = (error as Error).message.split('\n');
        progress.say(`${kind.title} is missing: ${(error as Error).message}`);
      }
    }
  };
  await Promise.all(asked.map(provide));
  const faults = NAMES.filter((name) => name in missing && !skipped.has(name));
  if (required && faults.length > 0) {
    const reasons = faults.map((name) => `${kinds[name].title}: ${missing[name]}`).join('; ');
    throw new Error(`${reasons} (ENGINES_SKIP=${faults.join()} would do without)`);
  }
  const owned = resources.move();
  return { urls, missing, local, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Those that docker compose runs; undefined where it cannot, which is no fault: there are the local processes. */
async function byCompose(
  names: readonly EngineName[],
  { ports, env, progress }: Required<Pick<ProvideOptions, 'ports' | 'env' | 'progress'>>,
): Promise<ComposedEngines | undefined> {
  if (names.length === 0) return undefined;
  const startedAt = performance.now();
  try {
    const composed = await startComposed(names, { ports, env, say: (line) => progress.say(line) });
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    for (const name of composed === undefined ? [] : names) {
      const { version, url } = composed?.engines[name] ?? {};
      const at = withoutPassword(url ?? '');
      progress.say(`${KINDS[name].title} ${version}: docker compose at ${at} (${seconds} s)`);
    }
    return composed;
  } catch (error) {
    progress.say(`docker compose cannot start them: ${(error as Error).message}`);
    return undefined;
  }
}

async function startLocally(
  name: EngineName,
  kind: EngineKind,
  options: ProvideOptions,
  progress: Progress,
): Promise<LocalEngine> {
  const startedAt = performance.now();
  const usual = options.ports === 'usual' && (await isPortFree(kind.usualPort));
  const engine = await kind.start({
    progress,
    ...(usual && { port: kind.usualPort }),
    ...(options.dataDir !== undefined && { dataDir: join(options.dataDir, name) }),
  });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const moved = options.ports === 'usual' && !usual ? `; port ${kind.usualPort} is taken` : '';
  progress.say(
    `${kind.title} ${engine.version}: local process at ${engine.url} (${seconds} s${moved})`,
  );
  return engine;
}

async function startLocalPostgres({ port, dataDir }: LocalOptions): Promise<LocalEngine> {
  await using resources = new AsyncDisposableStack();
  const folder = resources.use(dataFolder('postgres', dataDir));
  const postgres = resources.use(
    await startPostgres({
      dataDir: dataDir ?? join(folder.path, 'postgres'),
      unsafeFast: dataDir === undefined,
      ...(port !== undefined && { port }),
    }),
  );
  const owned = resources.move();
  return {
    url: postgres.url,
    version: '18',
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function skippedEngines(value = ''): ReadonlySet<EngineName> {
  const names = value.split(',').map((name) => name.trim().toLowerCase());
  const unknown = names.find((name) => name !== '' && !NAMES.includes(name as EngineName));
  if (unknown !== undefined) {
    throw new Error(`ENGINES_SKIP names ${unknown}: it takes ${NAMES.join(', ')}`);
  }
  return new Set(names as EngineName[]);
}

function withoutPassword(url: string): string {
  return url.replace(/:[^:@/]*@/, ':***@');
}
