import { expect, test } from 'vitest';
import { prefixedOutput } from './output.ts';

function lines(color: boolean): string[] {
  const written: string[] = [];
  const write = (text: string) => written.push(text);
  const output = prefixedOutput({ write, names: ['dev', 'projector'], color });
  output.of('dev')('hello');
  output.of('projector')('ready');
  return written;
}

test('aligns the names', () => {
  expect(lines(false)).toEqual(['dev       | hello\n', 'projector | ready\n']);
});

test('colours only the prefix, each process its own', () => {
  const [dev = '', projector = ''] = lines(true);
  const color = (line: string) => line.slice(0, line.indexOf('m') + 1);
  expect(dev).toMatch(/\| ?\S*m hello\n$/);
  expect(color(dev)).not.toBe(color(projector));
});
