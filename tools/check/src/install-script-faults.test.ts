import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { installScriptFaults, type ScriptedManifest } from './install-script-faults.ts';

const repository = join(import.meta.dirname, '../../..');
const npmrc = readFileSync(join(repository, '.npmrc'), 'utf8');
const packages = {
  'node_modules/node': { hasInstallScript: true },
  'node_modules/a/node_modules/@scope/native': { hasInstallScript: true },
  'node_modules/plain': {},
};
const allowScripts = { node: true, '@scope/native': false };
const manifest = (json: ScriptedManifest['json'], path = 'package.json') => ({ path, json });
const root = manifest({ allowScripts, scripts: { start: 'node', test: 'vitest' } });
const faultsOf = ({
  lock = packages as object,
  manifest = root,
  text = npmrc,
  members = [] as ScriptedManifest[],
} = {}) => installScriptFaults({ packages: lock as typeof packages }, manifest, members, text);

test('takes scripts that are all decided on, and nothing else that runs at installation', () => {
  expect(
    faultsOf({ members: [manifest({ scripts: { start: 'node' } }, 'apps/a/package.json')] }),
  ).toEqual([]);
});

test('refuses a script that nobody decided on, also of a nested package', () => {
  for (const path of ['node_modules/evil', 'node_modules/a/node_modules/evil'])
    expect(faultsOf({ lock: { ...packages, [path]: { hasInstallScript: true } } })).toEqual([
      'package.json: allowScripts does not decide on evil, which has a script',
    ]);
});

test('refuses a decision on what is not locked: it would wait for a package of that name', () => {
  const decided = manifest({ allowScripts: { ...allowScripts, gone: true } });
  expect(faultsOf({ manifest: decided })).toEqual([
    'package.json: allowScripts decides on gone, which is not locked',
  ]);
});

test.each(['preinstall', 'install', 'postinstall', 'prepare', 'prepublish'])(
  'refuses %s of our own',
  (script) => {
    const member = manifest({ scripts: { [script]: 'node x.js' } }, 'libs/a/package.json');
    expect(faultsOf({ members: [member] })).toEqual([
      `libs/a/package.json: ${script} would run at every installation`,
    ]);
  },
);

test.each([
  [
    'strict-allow-scripts=true',
    'strict-allow-scripts=false',
    'strict-allow-scripts=true is missing',
  ],
  ['omit-lockfile-registry-resolved=true', '', 'omit-lockfile-registry-resolved=true is missing'],
  ['save-exact=true', '#save-exact=true', 'save-exact=true is missing'],
  ['fund=false', 'registry=https://mirror/', 'registry belongs to the machine'],
  ['fund=false', '@scope:registry = https://mirror/', '@scope:registry  belongs to the machine'],
  ['fund=false', '//mirror/:_authToken=secret', '//mirror/:_authToken belongs'],
])('refuses an .npmrc with %s → %s', (from, to, fault) => {
  expect(npmrc).toContain(from);
  const faults = faultsOf({ text: npmrc.replace(from, to) }).join('\n');
  expect(faults).toContain(fault);
  expect(faults).not.toContain('secret');
});
