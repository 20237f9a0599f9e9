import { describe, expect, test } from 'vitest';
import { lockfileFaults } from './lockfile-faults.ts';

const integrity = `sha512-${'a'.repeat(86)}==`;
const packages = {
  '': { devDependencies: { pg: '8.23.1', two: 'npm:@scope/one@2.0.0' } },
  'libs/order': { dependencies: { pg: '^8.0.0 || >=9', two: '*' } },
  'node_modules/@ordermesh/order': { resolved: 'libs/order', link: true },
  'node_modules/pg': { integrity, peerDependencies: { a: '~1.0.0-rc.1 <2', b: 'latest' } },
};
const faultsOf = (more: object) => lockfileFaults({ packages: { ...packages, ...more } });

test('takes packages of a registry with integrity alone, members and links', () => {
  expect(faultsOf({})).toEqual([]);
});

describe('refuses', () => {
  test.each([
    [
      'a resolved URL',
      { integrity, resolved: 'https://mirror/pg' },
      'has a resolved URL: https://mirror/pg',
    ],
    [
      'a package of git',
      { resolved: 'git+ssh://git@host/a/b.git#1' },
      'has a resolved URL: git+ssh',
    ],
    ['no integrity', {}, 'libs/order/node_modules/pg has no integrity'],
    ['a weak integrity', { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' }, 'is no SHA-512'],
    ['a cut integrity', { integrity: integrity.slice(0, 40) }, 'is no SHA-512'],
    ['two integrities', { integrity: `${integrity} ${integrity}` }, 'is no SHA-512'],
    ['a link out of the workspace', { link: true, resolved: '../pg' }, 'links to ../pg'],
    ['a link to nothing', { link: true }, 'no member of the workspace'],
  ])('%s', (_what, found, fault) => {
    const faults = faultsOf({ 'libs/order/node_modules/pg': found });
    expect(faults.join('\n')).toContain(fault);
  });

  test.each([
    ...['git+https://host/a/b.git', 'git://host/a', 'github:a/b', 'a/b', 'a/b#main'],
    ...['https://host/a.tgz', 'http://host/a.tgz', 'file:../a', 'ssh://git@host/a', 'gist:1'],
  ])('a dependency from %s, whoever asks for it', (spec) => {
    for (const group of [
      'dependencies',
      'devDependencies',
      'optionalDependencies',
      'peerDependencies',
    ])
      expect(faultsOf({ 'node_modules/x': { integrity, [group]: { a: spec } } })).toEqual([
        `package-lock.json: node_modules/x takes a from ${spec}: not of a registry`,
      ]);
  });
});
