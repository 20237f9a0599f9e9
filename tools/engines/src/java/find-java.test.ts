import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findJava, requireJava } from './find-java.ts';

let root: string;
const home = (name: string) => join(root, name);

function plantJava(name: string, version: string): void {
  mkdirSync(join(home(name), 'bin'), { recursive: true });
  writeFileSync(join(home(name), 'bin/java'), '');
  chmodSync(join(home(name), 'bin/java'), 0o755);
  writeFileSync(join(home(name), 'release'), `IMPLEMENTOR="x"\nJAVA_VERSION="${version}"\n`);
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'ordermesh-java-'));
  plantJava('jvm/java-17', '17.0.15');
  plantJava('jvm/java-21', '21.0.8');
  plantJava('jvm/java-25', '25.0.3');
  plantJava('named-21', '21');
  plantJava('named-17', '17.0.1');
  mkdirSync(join(root, 'jvm/no-java'));
});
afterAll(() => rmSync(root, { recursive: true }));

test.each(['ES_JAVA_HOME', 'JAVA_HOME', 'JAVA_HOME_21_X64'])('prefers what %s names', (name) => {
  expect(findJava(17, { [name]: home('named-21') }, [home('jvm')])).toMatchObject({
    ...{ home: home('named-21'), major: 21, version: '21' },
    program: join(home('named-21'), 'bin/java'),
  });
});

test('passes over a named one that is too old', () => {
  const env = { JAVA_HOME: home('named-17'), ES_JAVA_HOME: '/nowhere' };
  expect(findJava(21, env, [home('jvm')])?.home).toBe(home('jvm/java-25'));
});

test('takes the one on the PATH before the installed ones', () => {
  const env = { PATH: `/nowhere:${join(home('named-21'), 'bin')}` };
  expect(findJava(17, env, [home('jvm')])?.home).toBe(home('named-21'));
});

test('takes the newest installed one', () => {
  expect(findJava(17, {}, ['/nowhere', home('jvm')])?.version).toBe('25.0.3');
});

test('says in one line what is needed when there is none', () => {
  expect(findJava(26, {}, [home('jvm')])).toBeUndefined();
  expect(() => requireJava('Elasticsearch', 999)).toThrow(
    /^Elasticsearch needs Java 999 or newer, and none was found: install one, or name .*JAVA_HOME$/,
  );
});
