import { describe, expect, test } from 'vitest';
import { ownerOf } from './owner-of.ts';

const subject = '5f1d3c1e-4a55-4d2b-9a43-0d4a6a1b7c11';

describe('ownerOf()', () => {
  test('keeps customers to what is theirs', () => {
    expect(ownerOf({ subject, scopes: new Set(['orders:read', 'orders:write']) })).toBe(subject);
    expect(ownerOf({ subject, scopes: new Set() })).toBe(subject);
  });

  test.each([
    ['anybody while authentication is off', undefined],
    ['staff', { subject: 'ann', scopes: new Set(['orders:fulfil']) }],
    [
      'a process',
      { subject: 'service:projector', scopes: new Set<string>(), service: 'projector' },
    ],
  ])('lets %s see everybody’s', (_, principal) => {
    expect(ownerOf(principal)).toBeUndefined();
  });
});
