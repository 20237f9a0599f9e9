import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@ordermesh/engines';
import { type AppProcess, eventually, startApp } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { orderRequest, rest } from './support/api.ts';
import { type GuardedPostgres, startGuardedPostgres } from './support/guarded-postgres.ts';
import { type OtlpReceiver, otlpReceiver } from './support/otlp-receiver.ts';
import { leaks, plant, type Said } from './support/planted.ts';

const root = join(import.meta.dirname, '..');

const secrets = {
  database: plant('Database'),
  wrong: plant('WrongPassword'),
  redis: plant('Redis'),
  elasticsearch: plant('Elasticsearch'),
  tokenKey: plant('TokenKey'),
  header: plant('CollectorHeader'),
  name: plant('CustomerName'),
  email: plant('CustomerEmail').toLowerCase(),
};
const all = Object.values(secrets);

/** Nothing listens on port 1. */
const dead = {
  REDIS_URL: `redis://:${secrets.redis}@127.0.0.1:1`,
  RATE_LIMIT_REDIS_URL: `redis://:${secrets.redis}@127.0.0.1:1/1`,
  ELASTICSEARCH_URL: `http://elastic:${secrets.elasticsearch}@127.0.0.1:1`,
};

let postgres: GuardedPostgres;
let receiver: OtlpReceiver;
beforeAll(async () => {
  [postgres, receiver] = await Promise.all([
    startGuardedPostgres(secrets.database),
    otlpReceiver(),
  ]);
});
afterAll(async () => {
  await receiver?.[Symbol.asyncDispose]();
  await postgres?.[Symbol.asyncDispose]();
});

function start(app: string, settings: Readonly<Record<string, string>>): AppProcess {
  return startApp(join(root, 'apps', app), {
    [`${app.toUpperCase()}_PORT`]: '0',
    [`${app.toUpperCase()}_ADMIN_PORT`]: '0',
    ...dead,
    TOKEN_KEY: secrets.tokenKey,
    LOG_LEVEL: 'trace',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${secrets.header}`,
    ...settings,
  });
}

const databases = (password: string) => ({
  DATABASE_URL: postgres.urlWith(password),
  MIGRATION_DATABASE_URL: postgres.urlWith(password),
});

/** What a process printed, when it has ended. */
async function printed(app: string, process: AppProcess): Promise<Said & { code: number | null }> {
  const { code, stderr } = await process.ended;
  return { where: `log of ${app}`, text: `${JSON.stringify(process.lines())}${stderr}`, code };
}

const stores = ['command', 'query', 'projector', 'customer'];

describe('a planted secret is in nothing that a process says', () => {
  test('when a database refuses its password, and the process cannot start', async () => {
    await using started = new AsyncDisposableStack();
    const ends = stores.map((app) =>
      printed(app, started.use(start(app, databases(secrets.wrong)))),
    );
    const said = await Promise.all(ends);
    for (const { text, code } of said) {
      expect(code).toBe(1);
      expect(text).toContain('password authentication failed');
    }
    expect(leaks(all, said)).toEqual([]);
  });

  test('when nothing listens where its engines should be', async () => {
    const url = `postgres://shop:${secrets.database}@127.0.0.1:1/postgres`;
    const adminPort = String(await freePort());
    const app = { DATABASE_URL: url, MIGRATION_DATABASE_URL: url, COMMAND_ADMIN_PORT: adminPort };
    await using command = start('command', { ...app, BUS: 'redis' });
    const pages = await eventually(() => adminPages('command', adminPort), { withinMs: 30_000 });
    expect(pages.find(({ where }) => where.endsWith('/readyz'))?.text).toContain('"ready":false');
    command.signal('SIGTERM');
    expect(leaks(all, [...pages, await printed('command', command)])).toEqual([]);
  });

  test('when a setting is malformed, or the file that it is in cannot be read', async () => {
    const asked = await secretSettings();
    expect(Object.keys(asked).sort()).toEqual(readdirSync(join(root, 'apps')).sort());
    for (const [app, { read, variables }] of Object.entries(asked)) {
      for (const variable of variables) {
        const malformed = [
          { [variable]: `${secrets.wrong.slice(0, 10)} ://${secrets.wrong}` },
          { [variable]: `http:/${secrets.wrong}@` },
          { [variable]: secrets.wrong.slice(0, 15) },
          { [`${variable}_FILE`]: '/nowhere' },
          { [variable]: secrets.wrong, [`${variable}_FILE`]: '/nowhere' },
        ];
        const messages = malformed.map((env) => refusal(read, env)).join('\n');
        expect(messages).toContain(variable);
        expect(messages).not.toContain(secrets.wrong.slice(0, 10));
      }
      if (stores.includes(app)) expect(variables.length).toBeGreaterThan(2);
    }
    await using query = start('query', { DATABASE_URL: `mysql://u:${secrets.wrong}@h/d` });
    const said = await printed('query', query);
    expect(said.text).toMatch(/DATABASE_URL has a malformed value \(not shown\)/);
    expect(leaks(all, [said])).toEqual([]);
  });

  test('when a password is changed under the running mesh, with every dependency that can be away', async () => {
    await using started = new AsyncDisposableStack();
    const open = async (app: string, settings: Readonly<Record<string, string>>) => {
      const adminPort = String(await freePort());
      const ownPort = { [`${app.toUpperCase()}_ADMIN_PORT`]: adminPort };
      const process = started.use(start(app, { ...settings, ...ownPort }));
      const { port } = await process.logged('ready');
      return { app, process, adminPort, port: String(port) };
    };
    const services = ['command', 'query', 'customer'];
    const served = await Promise.all(services.map((app) => open(app, databases(secrets.database))));
    const addresses = Object.fromEntries(
      served.map(({ app, port }) => [`${app.toUpperCase()}_ADDRESS`, `127.0.0.1:${port}`]),
    );
    const [edge, projector] = await Promise.all([
      open('gateway', addresses),
      open('projector', { ...databases(secrets.database), ...addresses }),
    ]);
    const processes = [...served, projector, edge];
    const gateway = `http://127.0.0.1:${edge.port}`;
    const said: Said[] = [];
    const call = async (method: string, path: string, body?: unknown) => {
      const reply = await rest(gateway, method, path, body, { connection: 'close' });
      if (reply.status >= 400)
        said.push({ where: `answer to ${method} ${path}`, text: JSON.stringify(reply) });
      return reply;
    };
    const journey = async () => {
      const customer = await call('POST', '/v1/customers', {
        name: secrets.name,
        email: `${secrets.email}@example.com`,
      });
      const customerId = customer.body.customer?.customerId;
      const request = orderRequest(customerId === undefined ? {} : { customerId });
      const order = await call('POST', '/v1/orders', request);
      const replies = [customer, order];
      for (const path of [
        `/v1/orders/${order.body.order?.orderId ?? crypto.randomUUID()}?minVersion=1`,
        `/v1/orders?customerId=${request.customerId}`,
        '/v1/orders:search?query=tea',
        '/v1/orders?customerId=1&pageToken=x',
      ])
        replies.push(await call('GET', path));
      return replies.map(({ status }) => status);
    };

    const well = await journey();
    expect(well.slice(0, 2)).toEqual([201, 201]);
    await postgres.setPassword(secrets.wrong);
    const unwell = await journey();
    expect(unwell.slice(0, 3)).toEqual([503, 503, 503]);
    for (const { app, adminPort } of processes) {
      if (app !== 'gateway') await eventually(() => isUnready(adminPort), { withinMs: 30_000 });
      said.push(...((await adminPages(app, adminPort)) || []));
    }

    for (const { process } of processes) process.signal('SIGTERM');
    for (const { app, process } of processes) said.push(await printed(app, process));
    const spans = receiver.texts.join('\n');
    expect([...new Set(receiver.spans.map(({ service }) => service))].sort()).toEqual(
      processes.map(({ app }) => `ordermesh-${app}`).sort(),
    );
    expect(JSON.stringify(said)).toContain('password authentication failed');
    expect(leaks(all, [...said, { where: 'a span', text: spans }])).toEqual([]);
  });
});

const pages = ['/livez', '/readyz', '/metrics', '/limits', '/breakers', '/'];

/** Everything that the admin port of a process shows; false while it does not listen. */
async function adminPages(app: string, port: string): Promise<Said[] | false> {
  const texts = pages.map(async (path) => {
    const url = `http://127.0.0.1:${port}${path}`;
    const reply = await fetch(url, { headers: { connection: 'close' } });
    return { where: `${app}${path}`, text: await reply.text() };
  });
  return Promise.all(texts);
}

async function isUnready(port: string): Promise<boolean> {
  const url = `http://127.0.0.1:${port}/readyz`;
  return (await fetch(url, { headers: { connection: 'close' } })).status === 503;
}

type Read = (env: Record<string, string>) => unknown;

/** The secret settings of each app: those that may come from a file. */
async function secretSettings() {
  const found: Record<string, { read: Read; variables: readonly string[] }> = {};
  for (const app of readdirSync(join(root, 'apps'))) {
    const { readConfig } = (await import(join(root, 'apps', app, 'src/config.ts'))) as {
      readConfig: Read;
    };
    const names = new Set<string>();
    const env = new Proxy<Record<string, string>>(dead, {
      get(target, name) {
        names.add(String(name));
        return target[name as string];
      },
    });
    refusal(readConfig, env);
    // TLS_CA_FILE is a file, but no other form of a TLS_CA.
    const variables = [...names].filter((name) => names.has(`${name}_FILE`));
    found[app] = { read: readConfig, variables };
  }
  return found;
}

function refusal(read: Read, env: Record<string, string>): string {
  try {
    read(env);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}
