import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import {
  type EngineKind,
  type EngineName,
  type LocalOptions,
  type ProvideOptions,
  provideFrom as provideWith,
} from './provide.ts';

const noCompose = () => Promise.resolve(undefined);
/** Without docker compose, whatever this machine has. */
const provideFrom = (
  kinds: Record<EngineName, EngineKind>,
  wanted: Partial<Record<EngineName, boolean>>,
  options: ProvideOptions,
) => provideWith(kinds, wanted, options, noCompose);

function plan(failing: Readonly<Record<string, string>> = {}, usualPort = 1) {
  const started: Record<string, LocalOptions> = {};
  const ended: string[] = [];
  const lines: string[] = [];
  const kind = (title: string, variable: string): EngineKind => ({
    ...{ title, variable, usualPort },
    async start(options) {
      if (failing[title] !== undefined) throw new Error(failing[title]);
      started[title] = options;
      return {
        ...{ url: `local://${title}`, version: '1.2' },
        [Symbol.asyncDispose]: async () => void ended.push(title),
      };
    },
  });
  const kinds = {
    kafka: kind('Kafka', 'KAFKA_BROKERS'),
    elasticsearch: kind('Elasticsearch', 'ELASTICSEARCH_URL'),
    redis: kind('Redis', 'REDIS_URL'),
    postgres: kind('PostgreSQL', 'DATABASE_URL'),
  };
  const progress = {
    say: (line: string) => void lines.push(line),
    track: () => ({ [Symbol.dispose]() {} }),
  };
  return { kinds, progress, started, ended, lines };
}

const free = 'free' as const;
const all = { kafka: true, elasticsearch: true, redis: true, postgres: true };

test('takes the server that the environment names and hides its password', async () => {
  const { kinds, progress, started, lines } = plan();
  const env = { REDIS_URL: 'redis://user:secret@cache:6379' };
  await using engines = await provideFrom(kinds, { redis: true }, { ports: free, progress, env });
  expect(engines.urls).toEqual({ redis: 'redis://user:secret@cache:6379' });
  expect(lines).toEqual(['Redis: the server of REDIS_URL (redis://user:***@cache:6379)']);
  expect(started).toEqual({});
});

test('starts the others locally, says one line about each, and ends them', async () => {
  const { kinds, progress, started, ended, lines } = plan();
  const engines = await provideFrom(kinds, all, { ports: free, progress, env: {} });
  expect(engines.urls).toEqual({
    ...{ kafka: 'local://Kafka', elasticsearch: 'local://Elasticsearch' },
    ...{ redis: 'local://Redis', postgres: 'local://PostgreSQL' },
  });
  expect(engines.missing).toEqual({});
  expect(lines).toHaveLength(4);
  expect(lines[0]).toMatch(/^Kafka 1\.2: local process at local:\/\/Kafka \(\d+\.\d s\)$/);
  expect(started.Kafka).toEqual({ progress });
  await engines[Symbol.asyncDispose]();
  expect(ended.sort()).toEqual(['Elasticsearch', 'Kafka', 'PostgreSQL', 'Redis']);
});

test('gives each engine a folder of its own below dataDir', async () => {
  const { kinds, progress, started } = plan();
  const options = { ports: free, progress, env: {}, dataDir: '/data' };
  await using _engines = await provideFrom(kinds, all, options);
  expect(started.Kafka?.dataDir).toBe('/data/kafka');
  expect(started.Elasticsearch?.dataDir).toBe('/data/elasticsearch');
});

test('says why one is missing and goes on with the others', async () => {
  const { kinds, progress, lines } = plan({ Kafka: 'needs Java 17\nand more' });
  const wanted = { kafka: true, redis: true };
  await using engines = await provideFrom(kinds, wanted, { ports: free, progress, env: {} });
  expect(engines.urls).toEqual({ redis: 'local://Redis' });
  expect(engines.missing).toEqual({ kafka: 'needs Java 17' });
  expect(lines).toContain('Kafka is missing: needs Java 17\nand more');
});

test('fails with CI=true when one is missing, and ends the others', async () => {
  const { kinds, progress, ended } = plan({ Kafka: 'needs Java 17' });
  const options = { ports: free, progress, env: { CI: 'true' } };
  await expect(provideFrom(kinds, { kafka: true, redis: true }, options)).rejects.toThrow(
    'Kafka: needs Java 17 (ENGINES_SKIP=kafka would do without)',
  );
  expect(ended).toEqual(['Redis']);
});

test('fails without CI, too, when the engines are required', async () => {
  const { kinds, progress } = plan({ Kafka: 'needs Java 17' });
  const options = { ports: free, progress, env: {}, required: true };
  await expect(provideFrom(kinds, { kafka: true }, options)).rejects.toThrow('needs Java 17');
});

test('hands out what it started, but not what the environment names', async () => {
  const { kinds, progress } = plan();
  const options = { ports: free, progress, env: { KAFKA_BROKERS: 'kafka:9092' } };
  await using engines = await provideFrom(kinds, { kafka: true, redis: true }, options);
  expect(Object.keys(engines.local)).toEqual(['redis']);
});

test('leaves out what ENGINES_SKIP names, with CI=true too, and says so', async () => {
  const { kinds, progress, started, lines } = plan();
  const env = { CI: 'true', ENGINES_SKIP: 'kafka, Redis', REDIS_URL: 'redis://cache' };
  const wanted = { kafka: true, redis: true };
  await using engines = await provideFrom(kinds, wanted, { ports: free, progress, env });
  expect(engines.urls).toEqual({});
  expect(started).toEqual({});
  expect(lines).toEqual(['Kafka: skipped by ENGINES_SKIP', 'Redis: skipped by ENGINES_SKIP']);
});

test('refuses an unknown name in ENGINES_SKIP', async () => {
  const { kinds, progress } = plan();
  const env = { ENGINES_SKIP: 'kafak' };
  await expect(provideFrom(kinds, {}, { ports: free, progress, env })).rejects.toThrow(
    'ENGINES_SKIP names kafak: it takes kafka, elasticsearch, redis, postgres',
  );
});

test('takes the usual port, or says that it is taken and takes another', async () => {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  const provide = async () => {
    const { kinds, progress, started, lines } = plan({}, port);
    const options = { ports: 'usual' as const, progress, env: {} };
    await using _engines = await provideFrom(kinds, { redis: true }, options);
    return { port: started.Redis?.port, line: lines[0] };
  };
  try {
    expect(await provide()).toEqual({
      port: undefined,
      line: expect.stringContaining(`; port ${port} is taken)`),
    });
  } finally {
    server.close();
    await once(server, 'close');
  }
  expect(await provide()).toMatchObject({ port });
});

test('starts locally what docker compose could not', async () => {
  const { kinds, progress, started } = plan();
  const engine = { url: 'composed', version: '1', [Symbol.asyncDispose]: async () => undefined };
  const compose = () => {
    const engines = { kafka: engine };
    return Promise.resolve({ engines, [Symbol.asyncDispose]: async () => undefined });
  };
  const options = { ports: free, progress, env: {} };
  const wanted = { kafka: true, redis: true };
  await using engines = await provideWith(kinds, wanted, options, compose);
  expect(engines.urls).toEqual({ kafka: 'composed', redis: 'local://Redis' });
  expect(Object.keys(started)).toEqual(['Redis']);
});
