import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { closureOf } from './closure.ts';

const root = join(import.meta.dirname, '../../..');

describe('closureOf()', () => {
  const packages = {
    'apps/a': { dependencies: { x: '1', '@ordermesh/l': '0.0.0' }, devDependencies: { dev: '1' } },
    'libs/l': { dependencies: { y: '2' } },
    'libs/other': {},
    'node_modules/@ordermesh/a': { resolved: 'apps/a', link: true },
    'node_modules/@ordermesh/l': { resolved: 'libs/l', link: true },
    'node_modules/@ordermesh/other': { resolved: 'libs/other', link: true },
    'node_modules/x': { optionalDependencies: { fast: '1', absent: '1' } },
    'node_modules/x/node_modules/y': { dependencies: { x: '1' } },
    'node_modules/y': {
      peerDependencies: { peer: '1', dev: '1' },
      peerDependenciesMeta: { dev: { optional: true } },
    },
    'libs/l/node_modules/y': { dependencies: { z: '1' } },
    'node_modules/z': { dependencies: { y: '1' } },
    'node_modules/fast': {},
    'node_modules/peer': {},
    'node_modules/dev': {},
  };

  test('follows dependencies to where Node finds them, and leaves development out', () => {
    expect(closureOf({ packages }, 'apps/a')).toEqual({
      members: ['apps/a', 'libs/l'],
      links: [{ path: 'node_modules/@ordermesh/l', member: 'libs/l' }],
      packages: [
        ...['libs/l/node_modules/y', 'node_modules/fast', 'node_modules/peer', 'node_modules/x'],
        ...['node_modules/y', 'node_modules/z'],
      ],
    });
  });

  test('refuses what is no member, and a lockfile that lacks a dependency', () => {
    expect(() => closureOf({ packages }, 'apps/b')).toThrow('no member apps/b');
    expect(() => closureOf({ packages }, 'node_modules/x')).toThrow('no member node_modules/x');
    const { 'node_modules/z': _, ...without } = packages;
    expect(() => closureOf({ packages: without }, 'apps/a')).toThrow('lacks z, which libs/l/node');
  });
});

test.each(readdirSync(join(root, 'apps')))('of %s it is what npm would install', (app) => {
  const lockfile = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const { packages, links } = closureOf(lockfile, `apps/${app}`);
  const args = ['ls', '--omit=dev', '--all', '--package-lock-only', '--parseable'];
  const listed = execFileSync('npm', [...args, '--workspace', `apps/${app}`], { cwd: root });
  const npm = listed
    .toString()
    .split('\n')
    .filter((path) => path.includes('node_modules'))
    .map((path) => path.slice(root.length + 1))
    .filter((path) => path !== `node_modules/@ordermesh/${app}`);
  expect([...packages, ...links.map(({ path }) => path)].sort()).toEqual(npm.sort());
});
