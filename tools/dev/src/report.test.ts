import { execFileSync } from 'node:child_process';
import { fromJsonString } from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import { CreateOrderRequestSchema } from '@ordermesh/contract';
import { expect, test } from 'vitest';
import { readDevConfig } from './config.ts';
import { startReport } from './report.ts';

const report = (env: Record<string, string> = {}) =>
  startReport(readDevConfig(env), { DATABASE_URL: 'postgres://a@h/d', ...env }, 3210).join('\n');

test('names the URL to open, the data folder and the time it took', () => {
  const text = report({ GATEWAY_PORT: '8099', DATA_DIR: '/tmp/here' });
  expect(text).toContain('ordermesh answers on http://127.0.0.1:8099 (started in 3.2 s)');
  expect(text).toContain('/tmp/here');
});

test('shows where the engines are, and only of those that are used', () => {
  expect(report()).not.toMatch(/^ {2}(Kafka|search|cache) /m);
  const engines = {
    KAFKA_BROKERS: '127.0.0.1:9092',
    ELASTICSEARCH_URL: 'http://127.0.0.1:9200',
    REDIS_URL: 'redis://127.0.0.1:6379',
  };
  const text = report(engines);
  expect(text).toContain('  Kafka     127.0.0.1:9092');
  expect(text).toContain('  search    http://127.0.0.1:9200/');
  expect(text).toContain('  cache     redis://127.0.0.1:6379');
});

test('shows an address that a client can use when all interfaces are listened on', () => {
  expect(report({ HOST: '0.0.0.0' })).toContain('http://127.0.0.1:8080');
  expect(report({ HOST: '::' })).toContain('http://[::1]:8080');
});

test('says that nobody is asked for a token, and how to have that changed', () => {
  expect(report()).toContain(
    '  auth      off: whoever is on this machine may do everything (AUTH=jwt',
  );
  expect(report()).not.toMatch(/TOKEN|Bearer/);
});

test('has a command that gets a token of the development issuer, and sends it', () => {
  const text = report({ AUTH: 'jwt', ISSUER_PORT: '8091' });
  expect(text).toContain('auth      jwt, with a development issuer on http://127.0.0.1:8091');
  const command = /TOKEN=.*/.exec(text)?.[0] ?? '';
  const answer = '{"access_token":"x.y-z.w_","token_type":"Bearer"}';
  const script = `curl() { printf '%s' '${answer}'; }\n${command}\necho "$TOKEN"`;
  expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe('x.y-z.w_\n');
  expect(text.match(/-H "authorization: Bearer \$TOKEN"/g)).toHaveLength(2);
});

test('starts no development issuer where others could ask it for a token', () => {
  expect(readDevConfig({ AUTH: 'jwt' }).ownIssuer).toBe('http://127.0.0.1:8090');
  expect(readDevConfig({ AUTH: 'jwt', HOST: '0.0.0.0' }).ownIssuer).toBeUndefined();
  expect(readDevConfig({ AUTH: 'off' }).ownIssuer).toBeUndefined();
  expect(
    readDevConfig({ AUTH: 'jwt', AUTH_ISSUER: 'https://id.example' }).ownIssuer,
  ).toBeUndefined();
});

test('leaves the tokens of another issuer to it', () => {
  const other = { AUTH_ISSUER: 'https://id.example', AUTH_JWKS_URL: 'https://id.example/keys' };
  const text = report({ AUTH: 'jwt', ...other });
  expect(text).toContain('auth      jwt, with tokens of https://id.example');
  expect(text).not.toContain('/token');
});

test('never shows a password', () => {
  const text = report({
    DATABASE_URL: 'postgres://app:hunter2@db/x',
    ELASTICSEARCH_URL: 'https://app:hunter2@search:9200',
  });
  expect(text).toContain('https://app:***@search:9200');
  expect(text).not.toContain('hunter2');
});

test('has a curl command that a shell takes as it stands, with an order that is valid', () => {
  const command = /curl[\s\S]*?\/v1\/orders/.exec(report())?.[0] ?? '';
  const printArgs = `curl() { printf '%s\\n' "$@"; }\n${command}`;
  const args = execFileSync('sh', ['-c', printArgs], { encoding: 'utf8' }).trim().split('\n');
  const order = fromJsonString(CreateOrderRequestSchema, args[args.indexOf('-d') + 1] ?? '');
  const validation = createValidator().validate(CreateOrderRequestSchema, order);
  expect(validation).toMatchObject({ kind: 'valid' });
  expect(args.at(-1)).toBe('http://127.0.0.1:8080/v1/orders');
});
