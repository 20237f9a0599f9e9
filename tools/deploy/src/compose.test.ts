import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readConfig as command } from '../../../apps/command/src/config.ts';
import { readConfig as customer } from '../../../apps/customer/src/config.ts';
import { readConfig as gateway } from '../../../apps/gateway/src/config.ts';
import { readConfig as issuer } from '../../../apps/issuer/src/config.ts';
import { readConfig as projector } from '../../../apps/projector/src/config.ts';
import { readConfig as query } from '../../../apps/query/src/config.ts';
import { readProcessSettings } from '../../../libs/service/src/config.ts';
import { readTelemetryConfig } from '../../../libs/telemetry/src/config.ts';
import { addressFaults } from './address-faults.ts';
import { composeFaults } from './compose-faults.ts';
import { type ComposeFile, readComposeFile } from './compose-file.ts';
import { dockerfileFaults } from './dockerfile-faults.ts';
import { environmentFaults, type ReadConfig } from './environment-faults.ts';
import { imageEnvironment } from './images/dockerfile.ts';
import { schemaFaults } from './schema-faults.ts';

const root = join(import.meta.dirname, '../../..');
const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
const file = readComposeFile(text);
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');

const apps: Readonly<Record<string, ReadConfig>> = {
  ...{ command, customer, gateway },
  ...{ issuer, projector, query },
};

const telemetry: ReadConfig = (env) => {
  const { warnings } = readTelemetryConfig(env);
  if (warnings.length > 0) throw new Error(warnings.join('\n'));
};

/** Every fault of a compose file of ours, its processes' environment included. */
function faultsOf(composed: ComposeFile): string[] {
  const environments = Object.entries(apps).flatMap(([name, read]) => {
    const environment = composed.services[name]?.environment ?? {};
    const readers = [read, readProcessSettings, telemetry];
    const faults = environmentFaults(environment, readers, imageEnvironment(dockerfile, name));
    return faults.map((fault) => `${name}: ${fault}`);
  });
  const ours = [...composeFaults(composed), ...addressFaults(composed)];
  return [...schemaFaults(composed), ...ours, ...environments];
}

test('docker-compose.yml follows the Compose Specification and our rules, and each process accepts its environment', () => {
  expect(faultsOf(file)).toEqual([]);
});

test('it starts the five processes, an issuer and every engine', () => {
  expect(Object.keys(file.services).sort()).toEqual([
    ...['command', 'customer', 'elasticsearch', 'gateway', 'issuer', 'jaeger', 'kafka'],
    ...['otel-collector', 'postgres', 'projector', 'query', 'redis'],
  ]);
});

test('what is built has a Dockerfile whose sources exist, whose images are pinned, and that does not run as root', () => {
  const builds = Object.values(file.services).flatMap(({ build }) => build ?? []);
  expect(builds.map(({ args }) => args?.APP ?? 'otel-collector').sort()).toEqual(
    [...Object.keys(apps), 'otel-collector'].sort(),
  );
  for (const { context, dockerfile = 'Dockerfile', args } of builds) {
    const folder = join(root, context);
    const content = readFileSync(join(folder, dockerfile), 'utf8');
    expect(dockerfileFaults(content, folder, args)).toEqual([]);
  }
});

describe('each rule is seen to fail:', () => {
  const mutations: readonly [what: string, from: string, to: string, fault: string | RegExp][] = [
    ['an unknown key', '    image: redis:8.6', '    imagee: redis:8.6', /additional properties/],
    ['a tag of no version', 'redis:8.6', 'redis:latest', /redis: .*names no version/],
    ['a moving tag', 'redis:8.6', 'redis:8', /redis: .*names no version/],
    ['no tag', 'image: redis:8.6', 'image: redis', /redis: .*has no tag/],
    ['a digest', 'redis:8.6', `redis:8.6@sha256:${'0'.repeat(64)}`, /redis: .*has a digest/],
    ['a port for everybody', "'127.0.0.1:16686:16686'", "'16686:16686'", /jaeger: port 16686/],
    ['a port on every address', '127.0.0.1:16686:', '0.0.0.0:16686:', /jaeger: port 0\.0\.0\.0/],
    ['no health check', 'test: [CMD, redis-cli, ping]', 'test: [NONE]', /redis: has no health/],
    ['a wait for a start', 'service_healthy', 'service_started', /to be service_started/],
    ['an unknown condition', 'service_healthy', 'service_well', /must be equal to one of/],
    ['an unknown dependency', '      jaeger: {', '      jager: {', /jager, which is no service/],
    ['an undeclared volume', '[redis:/data]', '[cache:/data]', /volume cache is not declared/],
    ['nobody asked for a token', 'AUTH: jwt', "AUTH: 'off'", /gateway: HOST is "0\.0\.0\.0"/],
    ['an issuer in production', 'NODE_ENV: development', '', /issuer: NODE_ENV is "production"/],
    [
      'an unknown issuer',
      'AUTH_ISSUER: http',
      'AUTH_ISSUERS: http',
      /query: AUTH_ISSUER is not set/,
    ],
    [
      'a service of another name',
      'http://issuer:8090/.',
      'http://isuer:8090/.',
      /query: AUTH_JWKS_URL leads nowhere: isuer:8090/,
    ],
    [
      'a port of nobody',
      'customer:50053',
      'customer:50054',
      /projector: CUSTOMER_ADDRESS leads nowhere/,
    ],
    [
      'brokers where none listens',
      'kafka:29092\n\n',
      'kafka:9093\n\n',
      /command: KAFKA_BROKERS leads nowhere/,
    ],
    [
      'no key between processes',
      '*token-key, *redis]',
      '*redis]',
      /gateway: TOKEN_KEY .* is not set/,
    ],
    [
      'the network of the host',
      'init: true',
      "network_mode: 'host'\n  init: true",
      /gateway: leaves the project's network for host/,
    ],
    [
      'a port of a service that is not for outside',
      "      QUERY_PORT: '50052'\n      QUERY_ADMIN_PORT: '9462'\n",
      "      QUERY_PORT: '50052'\n      QUERY_ADMIN_PORT: '9462'\n    ports: ['127.0.0.1:50052:50052']\n",
      /query: publishes a port/,
    ],
    ['an unknown setting', 'COMMAND_PORT:', 'COMAND_PORT:', /command: COMAND_PORT is read by noth/],
    [
      'a setting of another process',
      '*redis]\n      QUERY',
      '*kafka]\n      QUERY',
      /KAFKA_BROKERS is read/,
    ],
    [
      'a missing setting',
      '*token-key, *databases, *kafka, *redis]',
      '*databases, *kafka, *redis]',
      /command: TOKEN_KEY .* is not set/,
    ],
    ['a refused value', "'9463'", "'none'", /projector: PROJECTOR_ADMIN_PORT is "none"/],
    [
      'a refused endpoint',
      'http://otel-collector:4318',
      'otel-collector:4318',
      /must be an http or https URL/,
    ],
  ];
  for (const [what, from, to, fault] of mutations)
    test(what, () => {
      expect(text).toContain(from);
      const faults = faultsOf(readComposeFile(text.replace(from, to)));
      expect(faults.join('\n')).toMatch(fault);
    });
});

test('ports, password and key can be set from outside, each with a default', () => {
  const env = { POSTGRES_PORT: '15432', KAFKA_PORT: '19092', POSTGRES_PASSWORD: 'p' };
  const { services } = readComposeFile(text, env);
  expect(services.postgres?.ports).toEqual(['127.0.0.1:15432:5432']);
  expect(services.kafka?.ports).toEqual(['127.0.0.1:19092:19092']);
  expect(services.query?.environment?.DATABASE_URL).toContain(':p@postgres:5432/');
  expect(() => readComposeFile('services: { a: { image: $TAG } }')).toThrow(/no form/);
});

test('docker compose itself accepts the file, where its plugin is installed', ({ skip }) => {
  const compose = (...args: string[]) =>
    spawnSync('docker', ['compose', ...args], { cwd: root, encoding: 'utf8', timeout: 10_000 });
  if (compose('version').status !== 0)
    skip('docker compose is not installed; the schema stands in');
  expect(compose('config', '--quiet')).toMatchObject({ status: 0, stderr: '' });
});
