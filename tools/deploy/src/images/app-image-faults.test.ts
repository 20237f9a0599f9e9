import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { dockerfileFaults } from '../dockerfile-faults.ts';
import { appImageFaults } from './app-image-faults.ts';
import { isIgnored } from './docker-ignore.ts';

const root = join(import.meta.dirname, '../../../..');
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
const dockerignore = readFileSync(join(root, '.dockerignore'), 'utf8');
const faultsOf = (text: string, ignore = dockerignore, APP = 'gateway') => [
  ...dockerfileFaults(text, root, { APP }),
  ...appImageFaults(text, ignore, { APP }),
];

test.each(readdirSync(join(root, 'apps')))('the image of %s has no fault', (app) => {
  expect(faultsOf(dockerfile, dockerignore, app)).toEqual([]);
});

describe('each rule is seen to fail:', () => {
  test.each([
    [
      'a base with a shell',
      'gcr.io/distroless/nodejs24-debian13:nonroot',
      'node:24.21.0-bookworm-slim',
      'without shell and root',
    ],
    ['a base that runs as root', 'debian13:nonroot', 'debian13:latest', 'its tag names no version'],
    [
      'a made-up digest',
      'debian13:nonroot',
      `debian13:nonroot@sha256:${'0'.repeat(64)}`,
      'has a digest',
    ],
    [
      'a command in the last stage',
      'WORKDIR /app\n',
      'WORKDIR /app\nRUN ["true"]\n',
      'RUN in the last stage',
    ],
    [
      'a source that nobody assembled',
      'COPY --from=assembled /image ./',
      'COPY libs ./',
      'is assembled before',
    ],
    ['root', 'USER 65532:65532', 'USER 0:0', 'not root'],
    ['a user that a node may have', 'USER 65532:65532', 'USER 1000:1000', 'over 10000'],
    [
      'a shell around the process',
      'ENTRYPOINT ["/nodejs/bin/node", ',
      'ENTRYPOINT node #',
      'in exec form',
    ],
    [
      'a process without telemetry',
      '"--import", "./libs/telemetry/src/register.ts", ',
      '',
      'must begin with --import',
    ],
    [
      'telemetry last',
      '"--import", "./libs',
      '"--import", "./main.ts", "--import", "./libs',
      'must begin with --import',
    ],
    ['an image for development', ' NODE_ENV=production', '', 'NODE_ENV is undefined'],
    ['a program that PATH has to find', '"/nodejs/bin/node"', '"node"', 'give its path'],
    [
      'a missing label',
      'org.opencontainers.image.revision="$REVISION"',
      'revision="$REVISION"',
      'image.revision is missing',
    ],
    ['an empty label', 'licenses="MIT"', 'licenses=""', 'image.licenses is missing'],
    ['a secret as an argument', 'ARG VERSION=0.0.0', 'ARG NPM_TOKEN', 'ARG NPM_TOKEN: a secret'],
    ['a secret in the environment', 'ENV PATH', 'ENV DB_PASSWORD=x PATH', 'a secret would stay'],
    [
      'a source outside the context',
      'COPY LICENSE ./',
      'COPY README.md ./',
      'COPY README.md: .dockerignore',
    ],
  ])('%s', (_what, from, to, fault) => {
    expect(dockerfile).toContain(from);
    expect(faultsOf(dockerfile.replace(from, to)).join('\n')).toContain(fault);
  });

  test.each([
    ['a context of everything', '*\n', '', '.dockerignore lets .env in'],
    [
      'installed packages sent along',
      '**/node_modules\n',
      '!node_modules\n',
      'lets node_modules/pg',
    ],
    ['a source left out', '!libs\n', '', 'COPY libs: .dockerignore leaves it out'],
  ])('%s', (_what, from, to, fault) => {
    expect(dockerignore).toContain(from);
    expect(faultsOf(dockerfile, dockerignore.replace(from, to)).join('\n')).toContain(fault);
  });
});

test('.dockerignore lets sources in, and no tests, fixtures or installed packages', () => {
  const sent = ['apps/query/src/main.ts', 'libs/rpc/src/call.ts', 'deploy/ready.ts', '.npmrc'];
  expect(sent.filter((path) => isIgnored(dockerignore, path))).toEqual([]);
  const kept = [
    ...['apps/query/src/config.test.ts', 'libs/messaging/fixtures/a.ts', 'deploy/k8s/a.yaml'],
    ...['libs/rpc/node_modules/a/b.js', 'e2e/mesh.ts', 'apps/query/test/a.ts', 'README.md'],
  ];
  expect(kept.filter((path) => !isIgnored(dockerignore, path))).toEqual([]);
});
