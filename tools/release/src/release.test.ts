import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pushedDigest } from './pushed-digest.ts';
import { commandLine } from './release-commands.ts';
import { readReleaseOptions } from './release-options.ts';
import { withImages } from './with-images.ts';

const root = join(import.meta.dirname, '../../..');
const registry = 'registry.example/shop';
const digestOf = (digit: string) => `sha256:${digit.repeat(64)}`;

const kustomization = `# Why it is so.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../../base
labels:
  - pairs:
      app.kubernetes.io/part-of: ordermesh
      app.kubernetes.io/version: 0.1.0
    includeTemplates: true
# Written by the release.
images:
  - name: ordermesh/query
    newTag: 0.1.0
  - name: redis
    newTag: "8.6"
  - name: ordermesh/gateway
    newName: old.example/gateway
    newTag: 0.1.0
    digest: ${digestOf('0')}
`;

describe('withImages()', () => {
  const digests = new Map(
    ['query', 'gateway', 'issuer'].map((app, index) => [app, digestOf(`${index}`)]),
  );
  const release = { registry, version: '1.2.3', digests };

  test('sets name, tag and digest of the images that the overlay uses, and its version; nothing else changes', () => {
    const lines = withImages(kustomization, release);
    expect(lines).toBe(
      kustomization
        .replace('version: 0.1.0', 'version: 1.2.3')
        .replace(
          '    newTag: 0.1.0\n  - name: redis',
          `    newTag: 1.2.3\n    newName: ${registry}/query\n    digest: ${digestOf('0')}\n  - name: redis`,
        )
        .replace('old.example/gateway\n    newTag: 0.1.0', `${registry}/gateway\n    newTag: 1.2.3`)
        .replace(/digest: sha256:0+\n$/, `digest: ${digestOf('1')}\n`),
    );
    expect(withImages(lines, release)).toBe(lines);
  });

  test.each([
    [
      'an image that was not pushed',
      'ordermesh/query',
      'ordermesh/shop',
      'uses shop, which was not pushed',
    ],
    ['no image of ours', /ordermesh\/(query|gateway)/g, 'redis', 'lists no image ordermesh/'],
    [
      'no version label',
      'app.kubernetes.io/version',
      'version',
      'has no label app.kubernetes.io/version',
    ],
  ])('refuses %s', (_what, from, to, message) => {
    expect(() => withImages(kustomization.replaceAll(from, to), release)).toThrow(message);
  });
});

describe('pushedDigest()', () => {
  const tagged = `${registry}/query:1.2.3`;
  const metadata = (digest: unknown, name: unknown = tagged) =>
    JSON.stringify({ 'containerimage.digest': digest, 'image.name': name });

  test('takes the digest that the builder wrote for this image', () => {
    expect(pushedDigest(metadata(digestOf('a')), tagged)).toBe(digestOf('a'));
    expect(pushedDigest(metadata(digestOf('b'), `x:1,${tagged}`), tagged)).toBe(digestOf('b'));
  });

  test.each([
    ...[undefined, null, 1, '', 'sha256:', digestOf('a').slice(0, -1), `${digestOf('a')}0`],
    ...[
      digestOf('A'),
      digestOf('g'),
      'a'.repeat(64),
      `sha512:${'a'.repeat(64)}`,
      `${digestOf('a')}\n`,
    ],
  ])('refuses the digest %j', (digest) => {
    expect(() => pushedDigest(metadata(digest), tagged)).toThrow('has no digest');
  });

  test.each([
    ['another image', `${registry}/command:1.2.3`],
    ['another tag', `${registry}/query:1.2.30`],
    ['no image', undefined],
  ])('refuses metadata of %s', (_what, name) => {
    expect(() =>
      pushedDigest(
        JSON.stringify({ 'containerimage.digest': digestOf('a'), 'image.name': name }),
        tagged,
      ),
    ).toThrow('not of');
  });

  test.each(['', 'null', '"x"', '{'])('refuses %j', (text) => {
    expect(() => pushedDigest(text, tagged)).toThrow('no JSON object');
  });
});

test.each([
  [['--version', '1.2.3'], '--registry is ""'],
  [['--registry', 'https://registry.example/shop', '--version', '1.2.3'], 'without a scheme'],
  [['--registry', registry], '--version is ""'],
  [['--registry', registry, '--version', 'latest'], 'must be X.Y.Z'],
  [['--registry', registry, '--version', '1.2.3', '--platforms', 'amd64'], 'must be linux/ARCH'],
  [['--registry', registry, '--version', '1.2.3', '--push'], '--push'],
])('refuses the arguments %j', (args, message) => {
  expect(() => readReleaseOptions(args)).toThrow(message);
});

test('quotes what a shell would read', () => {
  expect(commandLine(['a', 'b c', "it's", 'x=1'])).toBe("a 'b c' 'it'\\''s' x=1");
});

/** A workspace with a commit, a production overlay, and programs that do as docker and cosign would. */
function workspace(digest = digestOf('a')) {
  const folder = mkdtempSync(join(tmpdir(), 'ordermesh-release-test-'));
  for (const app of ['gateway', 'issuer', 'query'])
    cpSync(join(root, 'LICENSE'), join(folder, 'apps', app, 'LICENSE'));
  const overlay = join(folder, 'deploy/k8s/overlays/prod/kustomization.yaml');
  mkdirSync(join(overlay, '..'), { recursive: true });
  writeFileSync(overlay, kustomization);
  const git = (...args: string[]) =>
    spawnSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], { cwd: folder });
  git('init', '-q');
  git('add', '.');
  git('commit', '-qm', 'all');
  const bin = join(folder, '.git/bin');
  const calls = join(folder, '.git/calls');
  const program = (name: string, text: string) => {
    mkdirSync(bin, { recursive: true });
    writeFileSync(
      join(bin, name),
      `#!/bin/sh\nif [ "$1" = version ]; then exit 0; fi\necho ${name} "$@" >> ${calls}\n${text}`,
    );
    chmodSync(join(bin, name), 0o755);
  };
  program(
    'docker',
    `while [ $# -gt 0 ]; do case "$1" in --tag) tag=$2;; --metadata-file) file=$2;; esac; shift; done
printf '{"containerimage.digest":"%s","image.name":"%s"}' ${digest} "$tag" > "$file"\n`,
  );
  program('cosign', 'exit 0\n');
  const release = (...args: string[]) => {
    const main = join(import.meta.dirname, 'main.ts');
    const PATH = `${bin}${delimiter}${process.env.PATH}`;
    const options = ['--registry', registry, '--version', '1.2.3', ...args];
    return spawnSync(process.execPath, [main, ...options], {
      cwd: folder,
      env: { PATH },
      encoding: 'utf8',
    });
  };
  return {
    folder,
    release,
    overlay: () => readFileSync(overlay, 'utf8'),
    calls: () =>
      readdirSync(join(folder, '.git')).includes('calls')
        ? readFileSync(calls, 'utf8').trim().split('\n')
        : [],
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

describe('npm run release', () => {
  test('builds every app with attestations, signs each by its digest, and writes what the builder said into the overlay', () => {
    using shop = workspace();
    expect(shop.release()).toMatchObject({ status: 0, stderr: '' });
    const calls = shop.calls();
    expect(calls.map((call) => call.split(' ').slice(0, 5).join(' '))).toEqual(
      ['gateway', 'issuer', 'query'].flatMap((app) => [
        `docker buildx build --build-arg APP=${app}`,
        `cosign sign --yes ${registry}/${app}@${digestOf('a')}`,
      ]),
    );
    expect(calls[0]).toContain('--provenance mode=max --sbom true');
    expect(calls[0]).toMatch(/REVISION=[0-9a-f]{40} --build-arg SOURCE_DATE_EPOCH=\d{10} /);
    expect(shop.overlay()).toContain(`newName: ${registry}/query\n    digest: ${digestOf('a')}`);
    expect(shop.overlay()).not.toContain('issuer');
  });

  test('with --dry-run prints the commands, and neither runs nor writes anything', () => {
    using shop = workspace();
    const { stdout, status } = shop.release('--dry-run');
    expect(status).toBe(0);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual([...['docker', 'cosign', 'docker', 'cosign', 'docker', 'cosign']]);
    expect(stdout).toContain(`--tag ${registry}/query:1.2.3`);
    expect(shop.calls()).toEqual([]);
    expect(shop.overlay()).toBe(kustomization);
  });

  test('stops at a digest of another form, and leaves the overlay as it was', () => {
    using shop = workspace('sha256:0');
    expect(shop.release()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('has no digest'),
    });
    expect(shop.overlay()).toBe(kustomization);
    expect(shop.calls()).toHaveLength(1);
  });

  test('refuses what is not committed', () => {
    using shop = workspace();
    writeFileSync(join(shop.folder, 'new'), '');
    expect(shop.release().stderr).toContain('something is not committed');
    expect(shop.calls()).toEqual([]);
  });
});
