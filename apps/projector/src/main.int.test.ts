import { startApp, type TestDatabase, testDatabase } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FeedFixture, feedFixture } from '../test/order-log.ts';

let server: TestDatabase;
let log: FeedFixture;
let viewUrl: string;

beforeAll(async () => {
  [server, log] = await Promise.all([testDatabase(), feedFixture()]);
  // Does not exist yet; the name starts like the run's own databases, so that the run drops it.
  const own = new URL(server.url);
  own.pathname += '_view';
  viewUrl = own.href;
});

afterAll(async () => {
  await log?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

const start = (settings: Record<string, string> = {}) =>
  startApp(`${import.meta.dirname}/..`, {
    PROJECTOR_ADMIN_PORT: '0',
    LOG_DATABASE_URL: log.url,
    VIEW_DATABASE_URL: viewUrl,
    MIGRATION_DATABASE_URL: server.url,
    ...settings,
  });

describe('the projector process', () => {
  it('is ready when it owns partitions, without its peers, and ends with code 0 when told to', async () => {
    await using projector = start();
    const { adminPort } = await projector.logged('ready');
    const readiness = async () => {
      const init = { headers: { connection: 'close' } };
      return (await fetch(`http://127.0.0.1:${adminPort}/readyz`, init)).json();
    };
    await expect
      .poll(readiness, { timeout: 20_000 })
      .toMatchObject({ ready: true, checks: { partitions: { ok: true } } });
    projector.signal('SIGTERM');
    expect(await projector.ended).toEqual({ code: 0, stderr: '' });
  });

  it('ends with one line and code 1 for another number of partitions', async () => {
    await using projector = start({ PARTITIONS: '8' });
    const { code, stderr } = await projector.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ordermesh-projector: .*PARTITIONS is 8.*\n$/);
  });
});
