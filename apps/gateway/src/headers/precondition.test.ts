import { ConfirmOrderRequestSchema } from '@ordermesh/contract';
import { describe, expect, test } from 'vitest';
import { expectedVersion, unmatchableVersion } from './precondition.ts';

const versionField = ConfirmOrderRequestSchema.fields.find((f) => f.name === 'expected_version');
const change = { verb: 'POST', creates: false, versionField } as const;
const creation = { verb: 'POST', creates: true, versionField } as const;
const registration = { verb: 'POST', creates: false, versionField: undefined } as const;
const view = { verb: 'GET', creates: false, versionField: undefined } as const;

describe('expectedVersion()', () => {
  test.each([
    [change, {}, undefined],
    [change, { 'if-match': '"3"' }, 3],
    [change, { 'if-match': '"3.2"' }, 3],
    [change, { 'if-match': '*' }, undefined],
    [change, { 'if-match': 'W/"3"' }, unmatchableVersion],
    [change, { 'if-match': '"abc"' }, unmatchableVersion],
    [change, { 'if-match': '"0"' }, unmatchableVersion],
    [change, { 'if-match': '"03"' }, unmatchableVersion],
    [change, { 'if-match': '"4294967299"' }, unmatchableVersion],
    [creation, { 'if-none-match': '*' }, 0],
    [view, { 'if-none-match': '"3"' }, undefined],
  ])('%# is %j → %s', (route, headers, expected) => {
    expect(expectedVersion(route, headers)).toBe(expected);
  });

  test.each([
    [change, { 'if-match': '3' }],
    [change, { 'if-match': '"3", "4"' }],
    [change, { 'if-none-match': '*' }],
    [creation, { 'if-match': '"3"' }],
    [creation, { 'if-match': '*' }],
    [creation, { 'if-none-match': '"3"' }],
    [registration, { 'if-match': '"3"' }],
    [registration, { 'if-none-match': '*' }],
    [view, { 'if-match': '"3"' }],
  ])('%# refuses %j', (route, headers) => {
    expect(() => expectedVersion(route, headers)).toThrow(
      expect.objectContaining({ reason: 'INVALID_REQUEST' }),
    );
  });
});
