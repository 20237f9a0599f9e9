import { describe, expect, test } from 'vitest';
import { readJson } from './read-json.ts';

const read = (text: string) => readJson(Buffer.from(text));

describe('readJson()', () => {
  test.each([
    ['', {}],
    ['\ufeff{}', {}],
    ['{"a":[1,{"b":null}]}', { a: [1, { b: null }] }],
    ['{"a":{"x":1},"b":{"x":1}}', { a: { x: 1 }, b: { x: 1 } }],
    ['{"a":9007199254740991,"b":"9007199254740993"}', { a: 2 ** 53 - 1, b: '9007199254740993' }],
    ['[]', []],
  ])('reads %j', (text, json) => {
    expect(read(text)).toEqual(json);
  });

  test.each(['{', '{"a":1,}', "{'a':1}", 'NaN', '{} {}', '{"a":01}', '\0', ' '])(
    'refuses %j as malformed',
    (text) => {
      expect(() => read(text)).toThrow(expect.objectContaining({ reason: 'MALFORMED_BODY' }));
    },
  );

  test('refuses what is not UTF-8', () => {
    expect(() => readJson(Buffer.from([0x22, 0xff, 0x22]))).toThrow(
      expect.objectContaining({ reason: 'MALFORMED_BODY' }),
    );
  });

  test.each([
    ['{"a":1,"a":2}', 'a', 'duplicate_field'],
    ['{"x":[{"b":1,"\\u0062":1}]}', 'b', 'duplicate_field'],
    ['{"minorUnits":9007199254740993}', 'minorUnits', 'number.inexact'],
    ['{"minorUnits":-9007199254740993}', 'minorUnits', 'number.inexact'],
    ['{"minorUnits":1e400}', 'minorUnits', 'number.inexact'],
    ['{"minorUnits":1e16}', 'minorUnits', 'number.inexact'],
  ])('refuses %j', (text, field, reason) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({
        reason: 'INVALID_REQUEST',
        fields: [expect.objectContaining({ field, reason })],
      }),
    );
  });

  test('survives 100,000 brackets', () => {
    expect(() => read('['.repeat(100_000))).toThrow(
      expect.objectContaining({ reason: 'MALFORMED_BODY' }),
    );
    expect(() => read(`{"a":${'['.repeat(100_000)}1e400${']'.repeat(100_000)}}`)).toThrow();
  });
});
