import { describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';

const DATABASE_URL = 'postgres://app:secret@db:5432/postgres';

describe('readConfig()', () => {
  it('needs nothing but a server', () => {
    expect(readConfig({ DATABASE_URL })).toMatchObject({
      host: '127.0.0.1',
      adminPort: 9463,
      commandAddress: '127.0.0.1:50051',
      customerAddress: '127.0.0.1:50053',
      viewUrl: 'postgres://app:secret@db:5432/ordermesh_view',
      bus: { kind: 'embedded', logUrl: 'postgres://app:secret@db:5432/ordermesh_log' },
      migrationDatabaseUrl: undefined,
      redisUrl: undefined,
      partitions: 12,
    });
  });

  it('says what REDIS_URL must be', () => {
    const read = () => readConfig({ DATABASE_URL, REDIS_URL: 'cache:6379' });
    expect(read).toThrow(/^REDIS_URL .*redis:\/\/ or rediss:\/\/.*$/);
  });

  it('takes the databases’ own URLs as they are', () => {
    const own = { LOG_DATABASE_URL: 'postgres://a/log', VIEW_DATABASE_URL: 'postgres://b/view' };
    const urls = { bus: { logUrl: 'postgres://a/log' }, viewUrl: 'postgres://b/view' };
    expect(readConfig(own)).toMatchObject(urls);
    expect(readConfig({ DATABASE_URL, ...own })).toMatchObject(urls);
  });

  it('needs no log where a broker carries the events', () => {
    const env = { VIEW_DATABASE_URL: 'postgres://b/view', KAFKA_BROKERS: 'b:9092' };
    expect(readConfig(env).bus).toEqual({ kind: 'kafka', brokers: ['b:9092'] });
    expect(() => readConfig({ ...env, BUS: 'embedded' })).toThrow(/LOG_DATABASE_URL.* is not set/);
  });

  it.each([
    ['no database', {}],
    ['one of the two', { LOG_DATABASE_URL: 'postgres://a/log' }],
  ])('names the variables when there is %s', (_, env) => {
    expect(() => readConfig(env)).toThrow(/DATABASE_URL .*VIEW_DATABASE_URL.* is not set/);
  });
});
