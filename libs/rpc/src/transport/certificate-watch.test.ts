import { eventually } from '@ordermesh/testing';
import { expect, test } from 'vitest';
import type { Certificates } from './certificate-files.ts';
import { watchCertificates } from './certificate-watch.ts';

const issued = (name: string): Certificates => ({
  ca: Buffer.from('ca'),
  certificate: Buffer.from(name),
  privateKey: Buffer.from(`key of ${name}`),
  serialNumber: name,
  validTo: new Date(Date.now() + 60_000),
});

/** A watch of what `looks` answer, one after the other, the last again and again. */
function watched(...looks: (string | Error)[]) {
  const said: unknown[][] = [];
  let count = 0;
  const read = async () => {
    const look = looks[Math.min(count++, looks.length - 1)] as string | Error;
    if (look instanceof Error) throw look;
    return issued(look);
  };
  const note = (...line: unknown[]) => void said.push(line);
  const watch = watchCertificates(issued('first'), read, {
    everyMs: 1,
    log: { info: note, error: note },
  });
  return { watch, said, looked: (times: number) => eventually(() => count >= times) };
}

const gone = new Error('gone');
const other = new Error('other');

test('hands on what has changed, certificate and key together, and nothing else', async () => {
  const { watch, looked } = watched('first', 'second');
  using _watch = watch;
  const seen: string[] = [];
  watch.provider.addIdentityCertificateListener((update) => {
    seen.push(`${update?.certificate} with ${update?.privateKey}`);
  });
  await looked(6);
  expect(seen).toEqual(['first with key of first', 'second with key of second']);
});

test('reports what lasts, each fault once, however long it lasts', async () => {
  const { watch, said, looked } = watched(gone, gone, gone, other, other, other);
  using _watch = watch;
  await looked(9);
  expect(said.map(([fields]) => fields)).toEqual([{ err: gone }, { err: other }]);
});

test('does not report what is over at the next look', async () => {
  const { watch, said, looked } = watched(gone, 'first', gone, 'first');
  using _watch = watch;
  await looked(8);
  expect(said).toEqual([]);
});
