import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { noProgress } from '../cache/progress.ts';
import { provideEngines } from '../provide.ts';
import { startComposed } from './start.ts';

// No docker engine here: a `docker` of our own on the PATH writes down what it is told and answers as the real one does.
const fake = `#!/bin/sh
echo "$*" | sed 's|--file [^ ]*/docker-compose.yml|--file F|' >> "$FAKE/calls"
case "$*" in
  info*) exit "\${FAKE_INFO:-0}" ;;
  'compose version') exit "\${FAKE_PLUGIN:-0}" ;;
  *' ps '*) printf '%s\\n' "$FAKE_RUNNING" ;;
  *' up '*) [ -z "$FAKE_UP" ] || { echo 'pulling'; echo "$FAKE_UP" >&2; exit 1; } ;;
  *' config '*) cat <<JSON
{"services": {
  "kafka": {"image": "apache/kafka:4.3.1", "ports": [{"published": "\${KAFKA_PORT:-9092}"}]},
  "redis": {"image": "redis:8.6", "ports": [{"published": "\${REDIS_PORT:-6379}"}]},
  "elasticsearch": {"image": "e/elasticsearch:9.5.3", "ports": [{"published": "\${ELASTICSEARCH_PORT:-9200}"}]},
  "postgres": {"image": "postgres:18.4", "ports": [{"published": "\${POSTGRES_PORT:-5432}"}],
    "environment": {"POSTGRES_USER": "ordermesh", "POSTGRES_PASSWORD": "p/w"}}
}}
JSON
  ;;
esac
`;

let folder: string;
let env: NodeJS.ProcessEnv;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ordermesh-docker-'));
  writeFileSync(join(folder, 'docker'), fake, { mode: 0o755 });
  env = { PATH: `${folder}:/usr/bin:/bin`, FAKE: folder };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const calls = () => {
  const path = join(folder, 'calls');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
};
/** What was asked of the compose project of this folder, without the questions whether docker is there. */
const composed = () => calls().flatMap((call) => /^compose --file F (.*)$/.exec(call)?.[1] ?? []);
const say = () => undefined;
const usual = { ports: 'usual' as const, say };

test('is nothing where no docker engine answers, or the client has no compose', async () => {
  const all = ['kafka', 'redis'] as const;
  expect(await startComposed(all, { ...usual, env: { ...env, FAKE_INFO: '1' } })).toBeUndefined();
  expect(calls()).toEqual(['info --format {{.ServerVersion}}']);
  expect(await startComposed(all, { ...usual, env: { ...env, FAKE_PLUGIN: '1' } })).toBeUndefined();
  expect(await startComposed(all, { ...usual, env: { PATH: '/nowhere' } })).toBeUndefined();
});

test('starts what is wanted, waits for it, takes the ports that compose publishes, and stops it', async () => {
  const vars = { KAFKA_PORT: '10092', ELASTICSEARCH_PORT: '10200', POSTGRES_PORT: '10432' };
  const wanted = ['kafka', 'elasticsearch', 'postgres'] as const;
  const started = await startComposed(wanted, { ...usual, env: { ...env, ...vars } });
  expect(started?.engines.kafka).toMatchObject({ url: '127.0.0.1:10092', version: '4.3.1' });
  expect(started?.engines.elasticsearch?.url).toBe('http://127.0.0.1:10200');
  expect(started?.engines.postgres?.url).toBe(
    'postgres://ordermesh:p%2Fw@127.0.0.1:10432/postgres',
  );
  expect(composed()).toEqual([
    'ps --status running --services',
    'up --wait kafka elasticsearch postgres',
    'config --format json',
  ]);
  await started?.engines.kafka?.[Symbol.asyncDispose]();
  expect(composed().at(-1)).toBe('stop kafka');
  await started?.[Symbol.asyncDispose]();
  expect(composed().at(-1)).toBe('stop kafka elasticsearch postgres');
});

test('uses an engine that ran before and leaves it running', async () => {
  const running = { ...env, FAKE_RUNNING: 'redis' };
  {
    await using started = await startComposed(['redis'], { ...usual, env: running });
    expect(started?.engines.redis?.url).toBe('redis://127.0.0.1:6379');
    await started?.engines.redis?.[Symbol.asyncDispose]();
  }
  expect(composed()).toEqual(['ps --status running --services', 'config --format json']);
});

test('takes another port where somebody has the usual one', async () => {
  const server = createServer().on('error', () => undefined); // taken already: as good
  server.listen(6379, '127.0.0.1');
  await Promise.race([once(server, 'listening'), once(server, 'error').catch(() => undefined)]);
  try {
    await using started = await startComposed(['redis'], { ...usual, env });
    expect(started?.engines.redis?.url).toMatch(/^redis:\/\/127\.0\.0\.1:\d+$/);
    expect(started?.engines.redis?.url).not.toBe('redis://127.0.0.1:6379');
  } finally {
    server.close();
  }
});

test('on free ports it is a project of its own, whose data goes with it', async () => {
  const project = `compose --file F --project-name ordermesh-${process.pid}`;
  {
    await using started = await startComposed(['redis'], { ports: 'free', env, say });
    expect(started?.engines.redis?.url).not.toBe('redis://127.0.0.1:6379');
    expect(calls()).toContain(`${project} up --wait redis`);
  }
  expect(calls().at(-1)).toBe(`${project} down --volumes`);
});

test('says why one could not be started, and stops what did', async () => {
  const failing = { ...env, FAKE_UP: 'no such image' };
  await expect(startComposed(['redis'], { ...usual, env: failing })).rejects.toThrow(
    /^no such image$/,
  );
  expect(composed().at(-1)).toBe('stop redis');
});

test('what it started stops when this process is killed', async () => {
  const module = JSON.stringify(new URL('./start.ts', import.meta.url).href);
  const program = `import { startComposed } from ${module};
    globalThis.kept = await startComposed(['redis'], { ports: 'usual', env: process.env, say() {} });
    console.log('started'); setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await expect.poll(() => composed().at(-1), { timeout: 10_000 }).toBe('stop redis');
});

test('a variable wins over docker compose, and that over a local process', async () => {
  const lines: string[] = [];
  const progress = { ...noProgress, say: (line: string) => void lines.push(line) };
  const given = { ...env, KAFKA_BROKERS: 'kafka:9092', REDIS_PORT: '16379' };
  const wanted = { kafka: true, redis: true };
  await using engines = await provideEngines(wanted, { ports: 'usual', progress, env: given });
  expect(engines.urls).toEqual({ kafka: 'kafka:9092', redis: 'redis://127.0.0.1:16379' });
  expect(engines.local.redis?.node).toBeUndefined();
  expect(lines).toEqual([
    'docker compose starts redis',
    expect.stringMatching(/^Redis 8\.6: docker compose at redis:\/\/127\.0\.0\.1:16379 \(.* s\)$/),
    'Kafka: the server of KAFKA_BROKERS (kafka:9092)',
  ]);
});
