import { type AppProcess, startApp, type TestDatabase, testDatabase } from '@ordermesh/testing';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';

let database: TestDatabase;
let app: AppProcess | undefined;

beforeAll(async () => {
  database = await testDatabase();
});

afterEach(() => app?.[Symbol.asyncDispose]());

afterAll(() => database?.[Symbol.asyncDispose]());

/** The process with free ports and a database that does not exist yet; resolves with its admin address when it is ready. */
async function start(settings: Record<string, string>): Promise<string> {
  // A name that starts like the run's own databases, so that the run drops it.
  const own = new URL(database.url);
  own.pathname += `_${settings.CUSTOMER_FAULTS ?? 'default'}`;
  app = startApp(`${import.meta.dirname}/..`, {
    CUSTOMER_PORT: '0',
    CUSTOMER_ADMIN_PORT: '0',
    CUSTOMER_DATABASE_URL: own.href,
    MIGRATION_DATABASE_URL: database.url,
    ...settings,
  });
  const { adminPort } = await app.logged('ready');
  return `http://127.0.0.1:${adminPort}`;
}

const status = async (url: string, init: RequestInit = {}) =>
  (await fetch(url, { ...init, headers: { connection: 'close' } })).status;

it('makes its database, is ready, has no /faults, and ends with code 0 when told to', async () => {
  const admin = await start({});
  expect(await status(`${admin}/livez`)).toBe(200);
  expect(await status(`${admin}/readyz`)).toBe(200);
  expect(await status(`${admin}/faults`)).toBe(404);
  expect(await status(`${admin}/faults`, { method: 'POST', body: '{"failRatio":1}' })).toBe(404);
  app?.signal('SIGTERM');
  expect(await app?.ended).toEqual({ code: 0, stderr: '' });
});

it('has /faults with CUSTOMER_FAULTS=on', async () => {
  const admin = await start({ CUSTOMER_FAULTS: 'on' });
  expect(await status(`${admin}/faults`, { method: 'POST', body: '{"failRatio":1}' })).toBe(200);
});

it.each([
  ['TOKEN_KEY', /^ordermesh-customer: TOKEN_KEY \(or TOKEN_KEY_FILE\) is not set; .*\n$/],
  ['AUTH_JWKS_URL', /^ordermesh-customer: AUTH_JWKS_URL .*is not set; .*\n$/],
])(
  'with AUTH=jwt says in one line that %s is missing, and ends with code 1',
  async (missing, line) => {
    app = startApp(`${import.meta.dirname}/..`, {
      HOST: '0.0.0.0',
      DATABASE_URL: database.url,
      AUTH: 'jwt',
      AUTH_ISSUER: 'https://issuer.test',
      AUTH_AUDIENCE: 'ordermesh',
      AUTH_JWKS_URL: 'https://issuer.test/jwks.json',
      TOKEN_KEY: '0123456789abcdef',
      [missing]: '',
    });
    expect(await app.ended).toEqual({ code: 1, stderr: expect.stringMatching(line) });
  },
);
