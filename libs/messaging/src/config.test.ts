import { readSettings } from '@ordermesh/service';
import { expect, it } from 'vitest';
import { busSettings, chosenBus } from './config.ts';

const chosen = (env: Record<string, string>) => chosenBus(readSettings(env, busSettings));

it.each([
  [{}, { kind: 'embedded' }],
  [{ KAFKA_BROKERS: 'a:1, b:2' }, { kind: 'kafka', brokers: ['a:1', 'b:2'] }],
  [{ KAFKA_BROKERS: 'a:1', BUS: 'embedded' }, { kind: 'embedded' }],
  [
    { KAFKA_BROKERS: 'a:1', BUS: 'kafka' },
    { kind: 'kafka', brokers: ['a:1'] },
  ],
  [{ REDIS_URL: 'redis://a:1' }, { kind: 'embedded' }],
  [
    { REDIS_URL: 'redis://a:1', KAFKA_BROKERS: 'a:1' },
    { kind: 'kafka', brokers: ['a:1'] },
  ],
  [
    { REDIS_URL: 'rediss://a:1/3', KAFKA_BROKERS: 'a:1', BUS: 'redis' },
    { kind: 'redis', url: 'rediss://a:1/3' },
  ],
])('chooses the bus by %j', (env, bus) => {
  expect(chosen(env)).toEqual(bus);
});

it.each([
  [{ BUS: 'kafka' }, /KAFKA_BROKERS is not set/],
  [{ BUS: 'carrier-pigeon' }, /BUS .* one of embedded, kafka, redis/],
  [{ BUS: 'redis' }, /^REDIS_URL is not set, but BUS is redis[^\n]*$/],
  [{ BUS: 'redis', KAFKA_BROKERS: 'a:1' }, /REDIS_URL is not set/],
  [{ BUS: 'redis', REDIS_URL: 'http://a:1' }, /REDIS_URL .* redis:\/\//],
  [{ KAFKA_BROKERS: 'localhost' }, /KAFKA_BROKERS .* host:port/],
  [{ KAFKA_BROKERS: 'kafka://a:1' }, /KAFKA_BROKERS .* host:port/],
])('refuses %j by name', (env, line) => {
  expect(() => chosen(env)).toThrow(line);
});
