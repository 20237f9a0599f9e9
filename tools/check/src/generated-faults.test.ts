import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GENERATED_DIR, generatedFaults, treeDifferences } from './generated-faults.ts';

const root = join(import.meta.dirname, '../../..');
let copy: string;

/** A repository with this one's proto files and generated code. */
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'ordermesh-check-'));
  for (const path of ['buf.yaml', 'buf.gen.yaml', 'proto', GENERATED_DIR]) {
    cpSync(join(root, path), join(copy, path), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  execFileSync('git', ['init', '--quiet'], { cwd: copy });
  execFileSync('git', ['add', 'proto', GENERATED_DIR], { cwd: copy });
});
afterAll(() => rmSync(copy, { recursive: true }));

const service = 'ordermesh/order/v1/extra_pb.ts';
const generated = (path: string) => join(copy, GENERATED_DIR, path);

test('finds nothing where the committed code is what the proto files give', () => {
  expect(generatedFaults(copy)).toEqual([]);
}, 60_000);

test('finds code that the proto files no longer give, also when git does not know it', () => {
  writeFileSync(generated(service), '// left over\n');
  expect(generatedFaults(copy)).toEqual([
    `${service} comes from no proto file: run \`npm run proto:gen\``,
    `${GENERATED_DIR}/${service} is not in git: add it`,
  ]);
  rmSync(generated(service));
}, 60_000);

test('finds a proto file that was changed without generating', () => {
  appendFileSync(join(copy, 'proto/ordermesh/http.proto'), '\nmessage Planted {}\n');
  expect(generatedFaults(copy)).toEqual([
    'ordermesh/http_pb.ts differs from what its proto file gives: run `npm run proto:gen`',
  ]);
}, 60_000);

test('tells missing from extra and changed files', () => {
  const dir = mkdtempSync(join(copy, 'trees-'));
  for (const tree of ['a', 'b'])
    cpSync(join(root, 'proto/ordermesh'), join(dir, tree), { recursive: true });
  expect(treeDifferences(join(dir, 'a'), join(dir, 'b'))).toEqual([]);
  rmSync(join(dir, 'b/http.proto'));
  expect(treeDifferences(join(dir, 'a'), join(dir, 'b'))).toEqual(['http.proto is missing']);
  expect(treeDifferences(join(dir, 'b'), join(dir, 'a'))).toEqual([
    'http.proto comes from no proto file',
  ]);
});
