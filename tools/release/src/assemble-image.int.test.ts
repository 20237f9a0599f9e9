import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@ordermesh/engines';
import { eventually, startApp, type TestDatabase, testDatabase } from '@ordermesh/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  execForm,
  lastStage,
  pairsOf,
  readDockerfile,
} from '../../deploy/src/images/dockerfile.ts';
import { assembleImage } from './assemble-image.ts';

const root = join(import.meta.dirname, '../../..');
/** A process with a database and one without; with SOAK all of them. Six images are 36 000 files. */
const apps =
  process.env.SOAK === undefined ? ['customer', 'gateway'] : readdirSync(join(root, 'apps'));
/** The user that the Dockerfile names, where this process may choose one. */
const uid = process.getuid?.() === 0 ? 65_532 : undefined;

let folder: string;
let node: string;
let database: TestDatabase;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ordermesh-images-'));
  chmodSync(folder, 0o755);
  for (const app of apps) assembleImage({ root, app, target: join(folder, app) });
  execFileSync('chmod', ['-R', 'a-w', folder]);
  // The workspace, and Node in it, may lie below a folder that is closed to another user.
  node = uid === undefined ? process.execPath : join(folder, 'node');
  if (uid !== undefined) copyFileSync(process.execPath, node);
  database = await testDatabase();
});

afterAll(async () => {
  execFileSync('chmod', ['-R', 'u+w', folder]);
  rmSync(folder, { recursive: true });
  await database?.[Symbol.asyncDispose]();
});

/** The environment and the arguments of Node that the Dockerfile gives the image of an app. */
function imageOf(app: string) {
  const text = readFileSync(join(root, 'Dockerfile'), 'utf8');
  const stage = lastStage(readDockerfile(text, { APP: app }));
  const [, ...args] = execForm(stage.find(({ name }) => name === 'ENTRYPOINT')?.rest ?? '') ?? [];
  return { args, env: pairsOf(stage, 'ENV') };
}

function startImage(app: string, settings: Readonly<Record<string, string>>) {
  const { args, env } = imageOf(app);
  return startApp(join(folder, app), { ...env, ...settings }, { node, args, uid });
}

const inImage = (app: string, ...args: string[]) =>
  spawnSync(node, args, {
    cwd: join(folder, app),
    encoding: 'utf8',
    ...(uid !== undefined && { uid, gid: uid }),
  });

test('an image holds its own app, the libraries that it uses, and neither tests nor TypeScript of others', () => {
  const files = (app: string, pattern: string) => globSync(pattern, { cwd: join(folder, app) });
  for (const app of apps) {
    expect(readdirSync(join(folder, app, 'apps'))).toEqual([app]);
    expect(files(app, '{apps,libs}/**/*.test.ts')).toEqual([]);
    expect(files(app, '{apps,libs}/**/{test,testing,fixtures}')).toEqual([]);
    expect(files(app, '**/*.{map,node}')).toEqual([]); // no platform's: one install serves all
    expect(files(app, 'node_modules/**/*.ts')).toEqual([]);
    expect(existsSync(join(folder, app, 'node_modules/vitest'))).toBe(false);
  }
  const libraries = files('gateway', 'libs/*').map((path) => path.slice('libs/'.length));
  expect(libraries.sort()).toEqual(
    files('gateway', 'node_modules/@ordermesh/*')
      .map((path) => path.slice('node_modules/@ordermesh/'.length))
      .sort(),
  );
  expect(libraries).toContain('rate-limit');
  expect(libraries).not.toContain('read-model');
});

test('each library of an image is one that its sources import', () => {
  for (const app of apps)
    for (const member of globSync(['apps/*', 'libs/*'], { cwd: join(folder, app) })) {
      const { name, dependencies = {} } = JSON.parse(
        readFileSync(join(root, member, 'package.json'), 'utf8'),
      );
      const sources = globSync('src/**/*.ts', { cwd: join(folder, app, member) }).map((path) =>
        readFileSync(join(folder, app, member, path), 'utf8'),
      );
      const unused = Object.keys(dependencies)
        .filter((dependency) => dependency.startsWith('@ordermesh/'))
        // The preload of every process, named by the entry.
        .filter((dependency) => dependency !== '@ordermesh/telemetry')
        .filter((dependency) => !sources.some((text) => text.includes(`'${dependency}`)));
      expect({ name, unused }).toEqual({ name, unused: [] });
    }
});

test('refuses an app that does not exist, and a folder that does', () => {
  const target = join(folder, 'gateway');
  expect(() => assembleImage({ root, app: 'shop', target: `${target}-2` })).toThrow('apps/shop');
  expect(() => assembleImage({ root, app: 'gateway', target })).toThrow('EEXIST');
});

test('from their images, as a user of no rights over files that nobody may write, processes are ready, and end with 0 on SIGTERM', async () => {
  const write = inImage('gateway', '-e', "require('node:fs').writeFileSync('new', '')");
  expect(write.stderr).toMatch(/EACCES|EROFS/);

  const databases = {
    DATABASE_URL: database.url,
    MIGRATION_DATABASE_URL: database.url,
    ...Object.fromEntries(
      ['log', 'view', 'customer'].map((name) => {
        const url = new URL(database.url);
        url.pathname += `_${name}`; // begins like the run's own databases, so that the run drops it
        return [`${name.toUpperCase()}_DATABASE_URL`, url.href];
      }),
    ),
  };
  const settings = {
    ...databases,
    TOKEN_KEY: '0123456789abcdef',
    AUTH_ISSUER: 'http://127.0.0.1:8090',
    AUTH_AUDIENCE: 'ordermesh',
  };
  await using started = new AsyncDisposableStack();
  const start = async (app: string, addresses: Readonly<Record<string, string>> = {}) => {
    const adminPort = await freePort();
    const ports = {
      [`${app.toUpperCase()}_PORT`]: '0',
      [`${app.toUpperCase()}_ADMIN_PORT`]: `${adminPort}`,
    };
    // The issuer refuses production, which is what its image says.
    const stage: Record<string, string> = app === 'issuer' ? { NODE_ENV: 'development' } : {};
    const image = started.use(startImage(app, { ...settings, ...stage, ...ports, ...addresses }));
    const { port, service } = await image.logged('ready');
    expect(service).toBe(`ordermesh-${app}`);
    return { image, address: `127.0.0.1:${port}`, adminPort };
  };
  const others: Record<string, string> = {};
  const all: Awaited<ReturnType<typeof start>>[] = [];
  for (const app of apps.toSorted(byNeeds)) {
    const process = await start(app, others);
    all.push(process);
    if (!needy.includes(app)) others[`${app.toUpperCase()}_ADDRESS`] = process.address;
    // To be ready, the gateway has to reach three services, whatever they answer.
    others.COMMAND_ADDRESS ??= process.address;
    others.QUERY_ADDRESS ??= process.address;
  }
  for (const { adminPort } of all)
    await eventually(() => inImage('gateway', 'ready.ts', `${adminPort}`).status === 0, patient);
  for (const { image } of all) image.signal('SIGTERM');
  for (const { image } of all) expect(await image.ended).toEqual({ code: 0, stderr: '' });
});

/** A machine that is busy with other tests. */
const patient = { withinMs: 30_000 };

/** What needs the addresses of others, or a log that the command service has made; started last. */
const needy = ['projector', 'gateway'];
const byNeeds = (a: string, b: string) => needy.indexOf(a) - needy.indexOf(b) || (a < b ? -1 : 1);
