import { Code, type CodeName, ReasonError } from '@ordermesh/contract';
import { describe, expect, it } from 'vitest';
import { type Effect, effectOf } from './effect.ts';

// Written out again, code by code: docs and alerts rely on exactly this table.
const table: Record<Exclude<CodeName, 'OK'>, Effect> = {
  CANCELLED: 'ignored',
  UNKNOWN: 'failure',
  INVALID_ARGUMENT: 'success',
  DEADLINE_EXCEEDED: 'failure',
  NOT_FOUND: 'success',
  ALREADY_EXISTS: 'success',
  PERMISSION_DENIED: 'success',
  RESOURCE_EXHAUSTED: 'ignored',
  FAILED_PRECONDITION: 'success',
  ABORTED: 'success',
  OUT_OF_RANGE: 'success',
  UNIMPLEMENTED: 'success',
  INTERNAL: 'failure',
  UNAVAILABLE: 'failure',
  DATA_LOSS: 'failure',
  UNAUTHENTICATED: 'success',
};

describe('effectOf()', () => {
  it.each(Object.entries(table))('takes %s from the wire as %s', (name, effect) => {
    const error = Object.assign(new Error(name), { code: Code[name as CodeName] });
    expect(effectOf(error)).toBe(effect);
  });

  it('takes a ReasonError by its gRPC code', () => {
    expect(effectOf(new ReasonError('CUSTOMER_NOT_FOUND', 'x'))).toBe('success');
    expect(effectOf(new ReasonError('DEPENDENCY_UNAVAILABLE', 'x'))).toBe('failure');
    expect(effectOf(new ReasonError('RATE_LIMITED', 'x'))).toBe('ignored');
  });

  it.each([
    new TypeError('x is not a function'),
    Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
    Object.assign(new Error('no such code'), { code: 99 }),
    Object.assign(new Error('an error cannot be OK'), { code: 0 }),
    'a string',
    undefined,
  ])('takes what has no code as a failure: %s', (error) => {
    expect(effectOf(error)).toBe('failure');
  });
});
