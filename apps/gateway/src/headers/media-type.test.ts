import { describe, expect, test } from 'vitest';
import { isJson, refuseContentEncoding } from './media-type.ts';

describe('isJson()', () => {
  test.each([
    ['application/json', true],
    ['Application/JSON ; charset=utf-8', true],
    ['application/json;charset="UTF-8"', true],
    ['application/json; charset=iso-8859-1', false],
    ['application/problem+json', false],
    ['text/json', false],
    ['', false],
    [undefined, false],
  ])('%s: %s', (contentType, expected) => {
    expect(isJson(contentType)).toBe(expected);
  });
});

describe('refuseContentEncoding()', () => {
  test.each([undefined, '', 'identity'])('lets %s pass', (encoding) => {
    expect(() => refuseContentEncoding(encoding)).not.toThrow();
  });
  test.each(['gzip', 'br', 'identity, gzip', 'x'])('refuses %s', (encoding) => {
    expect(() => refuseContentEncoding(encoding)).toThrow(
      expect.objectContaining({ reason: 'UNSUPPORTED_MEDIA_TYPE' }),
    );
  });
});
