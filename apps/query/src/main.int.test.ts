import { startApp, type TestDatabase, testDatabase } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let server: TestDatabase;
let viewUrl: string;

beforeAll(async () => {
  server = await testDatabase();
  // Does not exist yet; the name starts like the run's own databases, so that the run drops it.
  const own = new URL(server.url);
  own.pathname += '_view';
  viewUrl = own.href;
});

afterAll(() => server?.[Symbol.asyncDispose]());

const start = (settings: Record<string, string> = {}) =>
  startApp(`${import.meta.dirname}/..`, {
    QUERY_PORT: '0',
    QUERY_ADMIN_PORT: '0',
    VIEW_DATABASE_URL: viewUrl,
    MIGRATION_DATABASE_URL: server.url,
    TOKEN_KEY: '0123456789abcdef',
    ...settings,
  });

describe('the query process', () => {
  it('makes its database, is ready, and ends with code 0 when told to', async () => {
    await using query = start();
    const { adminPort } = await query.logged('ready');
    const ready = await fetch(`http://127.0.0.1:${adminPort}/readyz`, {
      headers: { connection: 'close' },
    });
    expect(await ready.json()).toMatchObject({ ready: true, checks: { views: { ok: true } } });
    query.signal('SIGTERM');
    expect(await query.ended).toEqual({ code: 0, stderr: '' });
  });

  it('is ready without its Elasticsearch, which only searches miss', async () => {
    await using query = start({ ELASTICSEARCH_URL: 'http://127.0.0.1:1' });
    await query.logged('ready');
    query.signal('SIGTERM');
    expect(await query.ended).toEqual({ code: 0, stderr: '' });
  });

  it('is ready without its Redis, which is no part of readiness', async () => {
    await using query = start({ REDIS_URL: 'redis://:secret@127.0.0.1:1' });
    const { adminPort } = await query.logged('ready');
    const ready = await fetch(`http://127.0.0.1:${adminPort}/readyz`, {
      headers: { connection: 'close' },
    });
    expect(await ready.json()).toEqual({
      ready: true,
      state: 'ready',
      checks: { views: { ok: true } },
    });
    await query.logged('Redis is away; views are read without the cache');
    query.signal('SIGTERM');
    expect(await query.ended).toEqual({ code: 0, stderr: '' });
    expect(JSON.stringify(query.lines())).not.toContain('secret');
  });

  it('ends with one line and code 1 for a short token key', async () => {
    await using query = start({ TOKEN_KEY: 'short' });
    const { code, stderr } = await query.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ordermesh-query: TOKEN_KEY .* at least 16 bytes.*\n$/);
  });
});
