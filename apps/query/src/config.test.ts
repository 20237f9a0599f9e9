import { describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';

const required = {
  DATABASE_URL: 'postgres://app:secret@db:5432/postgres',
  TOKEN_KEY: '0123456789abcdef',
};

describe('readConfig()', () => {
  it('needs nothing but a server and a key', () => {
    expect(readConfig(required)).toMatchObject({
      host: '127.0.0.1',
      port: 50052,
      adminPort: 9462,
      viewUrl: 'postgres://app:secret@db:5432/ordermesh_view',
      migrationDatabaseUrl: undefined,
      redisUrl: undefined,
      readCacheFreshMs: 60_000,
      partitions: 12,
      tokenKey: Buffer.from('0123456789abcdef'),
      minVersionWaitMs: 1500,
      reflection: true,
    });
  });

  it('takes VIEW_DATABASE_URL as it is, before DATABASE_URL', () => {
    const VIEW_DATABASE_URL = 'postgres://app@elsewhere/mine';
    expect(readConfig({ ...required, VIEW_DATABASE_URL }).viewUrl).toBe(VIEW_DATABASE_URL);
  });

  it('names the variable when there is no database', () => {
    expect(() => readConfig({ TOKEN_KEY: required.TOKEN_KEY })).toThrow(
      /DATABASE_URL .*is not set/,
    );
  });

  it.each([
    ['TOKEN_KEY', '15 bytes, short', 'at least 16 bytes'],
    ['MIN_VERSION_WAIT_MS', 'soon', 'a duration'],
    ['QUERY_PORT', '70000', 'from 0 to 65535'],
    ['REDIS_URL', 'cache:6379', 'redis:// or rediss://'],
    ['READ_CACHE_FRESH_MS', 'long', 'a duration'],
  ])('says what %s must be instead of %s', (variable, value, expected) => {
    const read = () => readConfig({ ...required, [variable]: value });
    expect(read).toThrow(variable);
    expect(read).toThrow(expected);
  });
});
