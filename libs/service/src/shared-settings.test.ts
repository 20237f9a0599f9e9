import { describe, expect, test } from 'vitest';
import { readSettings } from './read-settings.ts';
import { database, isLoopback, redisUrl, tokenKey } from './shared-settings.ts';

const server = 'postgres://app:secret@db:5432/postgres?sslmode=require';
const own = 'postgres://app@elsewhere/mine';

describe('database()', () => {
  const spec = { log: database('log'), view: database('view') };

  test('is one of the server of DATABASE_URL, with its role and parameters', () => {
    expect(readSettings({ DATABASE_URL: server }, spec)).toEqual({
      log: 'postgres://app:secret@db:5432/ordermesh_log?sslmode=require',
      view: 'postgres://app:secret@db:5432/ordermesh_view?sslmode=require',
    });
  });

  test('is that of its own variable, if there is one', () => {
    const env = { DATABASE_URL: server, LOG_DATABASE_URL: own };
    expect(readSettings(env, spec).log).toBe(own);
    expect(readSettings({ LOG_DATABASE_URL: own }, { log: spec.log }).log).toBe(own);
  });

  test('names both variables when neither is set', () => {
    expect(() => readSettings({}, spec)).toThrow(
      /^DATABASE_URL \(or LOG_DATABASE_URL\) is not set; .*\nDATABASE_URL \(or VIEW_DATABASE_URL\) is not set; /,
    );
  });

  test('says once what is wrong with DATABASE_URL', () => {
    expect(() => readSettings({ DATABASE_URL: 'mysql://x' }, spec)).toThrow(
      /^DATABASE_URL has a malformed value .*$/,
    );
  });
});

test.each([
  ['0123456789abcde', false],
  ['0123456789abcdef', true],
])('the token key %s is long enough: %s', (TOKEN_KEY, enough) => {
  const read = () => readSettings({ TOKEN_KEY }, { tokenKey }).tokenKey;
  if (enough) expect(read()).toEqual(Buffer.from(TOKEN_KEY));
  else expect(read).toThrow(/at least 16 bytes/);
});

test.each(['redis://127.0.0.1:6379', 'rediss://app:secret@cache.example.com/', 'redis://cache/3'])(
  'takes %s for Redis',
  (REDIS_URL) => {
    expect(readSettings({ REDIS_URL }, { redisUrl }).redisUrl).toBe(REDIS_URL);
  },
);

test.each(['127.0.0.1:6379', 'http://cache', 'redis://', 'redis://cache/orders', 'redis:cache'])(
  'says in one line, without it, that %s is no URL of a Redis',
  (REDIS_URL) => {
    const read = () => readSettings({ REDIS_URL }, { redisUrl });
    expect(read).toThrow(/^REDIS_URL .*redis:\/\/ or rediss:\/\/, .*number of a database.*$/);
    expect(read).not.toThrow(/cache|6379/);
  },
);

test('only loopback addresses are loopback', () => {
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', 'localhost'])
    expect(isLoopback(address)).toBe(true);
  for (const address of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.com', ''])
    expect(isLoopback(address)).toBe(false);
});
