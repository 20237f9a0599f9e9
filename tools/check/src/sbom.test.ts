import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { generateSbom } from './generate-sbom.ts';
import type { Lockfile } from './lockfile-faults.ts';
import { SBOM_FILE, type Sbom } from './sbom.ts';
import { sbomFaults } from './sbom-faults.ts';

const root = join(import.meta.dirname, '../../..');
const text = readFileSync(join(root, SBOM_FILE), 'utf8');
const sbom = JSON.parse(text) as Sbom;
const lockfile = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lockfile;
const [first] = sbom.components;
if (first === undefined) throw new Error('the bill of materials is empty');

test('the bill of materials lists exactly what is locked', () => {
  expect(sbomFaults(sbom, lockfile)).toEqual([]);
});

test('making it anew changes nothing', ({ skip }) => {
  // Other majors of npm may describe the same lockfile in other words.
  const version = execFileSync('npm', ['--version'], { encoding: 'utf8' });
  if (!version.startsWith('11.')) skip(`this is npm ${version.trim()}; package.json asks for 11`);
  expect(generateSbom(root)).toBe(text);
});

test('it names no machine, no address and no moment', () => {
  expect(text).not.toMatch(
    /:\/\/(?!cyclonedx\.org\/schema)|serialNumber|timestamp|\/(work|tmp|home|root)\//,
  );
});

describe('each rule is seen to fail:', () => {
  const locked = (path: string, found: Lockfile['packages'][string]) => ({
    packages: { ...lockfile.packages, [path]: found },
  });
  test.each<[string, Sbom, Lockfile, string]>([
    [
      'a package that was locked since',
      sbom,
      locked('node_modules/new', { version: '1.0.0' }),
      'lacks new@1.0.0',
    ],
    ['a new version', sbom, locked('node_modules/pg', { version: '9.9.9' }), 'lacks pg@9.9.9'],
    [
      'a package that is gone',
      { ...sbom, components: [...sbom.components, { ...first, 'bom-ref': 'old@1' }] },
      lockfile,
      'lists old@1, which is not locked',
    ],
    [
      'another content',
      sbom,
      locked('node_modules/pg', {
        ...lockfile.packages['node_modules/pg'],
        integrity: `sha512-${'a'.repeat(86)}==`,
      }),
      'has another hash of pg@',
    ],
    [
      'a package listed twice',
      { ...sbom, components: [first, ...sbom.components] },
      lockfile,
      'lists something twice',
    ],
    ['a serial number', { ...sbom, serialNumber: 'urn:uuid:1' }, lockfile, 'says when it was made'],
    [
      'a time',
      { ...sbom, metadata: { ...sbom.metadata, timestamp: '2026' } },
      lockfile,
      'says when',
    ],
    [
      'addresses',
      { ...sbom, components: sbom.components.map((one) => ({ ...one, externalReferences: [] })) },
      lockfile,
      'names addresses',
    ],
  ])('%s', (_what, bom, lock, fault) => {
    expect(sbomFaults(bom, lock).join('\n')).toContain(`${fault}`);
  });
});
