import { describe, expect, test } from 'vitest';
import { alreadyHas, parseEntityTags } from './entity-tag.ts';

describe('parseEntityTags()', () => {
  test.each([
    ['*', '*'],
    ['"3"', [{ weak: false, opaque: '3' }]],
    ['W/"3.2"', [{ weak: true, opaque: '3.2' }]],
    [
      ', "a",,W/"b" ,',
      [
        { weak: false, opaque: 'a' },
        { weak: true, opaque: 'b' },
      ],
    ],
    ['""', [{ weak: false, opaque: '' }]],
    ['3', undefined],
    ['"3', undefined],
    ['w/"3"', undefined],
    ['"3" "4"', undefined],
    ['*, "3"', undefined],
    ['', undefined],
  ])('%j', (value, expected) => {
    expect(parseEntityTags(value)).toEqual(expected);
  });

  test('is linear in hostile lists', () => {
    const started = performance.now();
    parseEntityTags(`${'"a" , ,'.repeat(2_000)}x`);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe('alreadyHas()', () => {
  test.each([
    ['"3.2"', true],
    ['W/"3.2"', true],
    ['"1", "3.2"', true],
    ['*', true],
    ['"3"', false],
    ['3.2', false],
  ])('If-None-Match: %s against "3.2": %s', (ifNoneMatch, expected) => {
    expect(alreadyHas(ifNoneMatch, '"3.2"')).toBe(expected);
  });
});
