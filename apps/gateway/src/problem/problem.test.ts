import { ReasonError } from '@ordermesh/contract';
import { describe, expect, test } from 'vitest';
import { withJsonNames } from './json-names.ts';
import { problemOf } from './problem.ts';

const context = { instance: '/v1/orders', traceId: 'a'.repeat(32), conditional: false };

describe('problemOf()', () => {
  test('has every member of the contract', () => {
    const fields = [{ field: 'customerId', reason: 'required', detail: 'value is required' }];
    const { status, headers, body } = problemOf(
      new ReasonError('INVALID_REQUEST', 'customerId: value is required', { fields }),
      context,
    );
    expect(status).toBe(400);
    expect(headers).toEqual({
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
    });
    expect(JSON.parse(body)).toEqual({
      type: 'urn:ordermesh:problem:INVALID_REQUEST',
      title: 'Request is not valid',
      status: 400,
      detail: 'customerId: value is required',
      instance: '/v1/orders',
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_REQUEST',
      traceId: 'a'.repeat(32),
      errors: fields,
    });
  });

  test.each([
    [false, 409],
    [true, 412],
  ])('a version conflict with conditional headers %s is %i', (conditional, status) => {
    const metadata = { expectedVersion: '3', actualVersion: '4' };
    const error = new ReasonError('VERSION_CONFLICT', 'changed meanwhile', { metadata });
    const problem = problemOf(error, { ...context, conditional });
    expect(problem.status).toBe(status);
    expect(JSON.parse(problem.body)).toMatchObject({ status, metadata });
  });

  test.each([
    [new ReasonError('CURRENCY_MISMATCH', 'x'), 400],
    [new ReasonError('CURRENCY_MISMATCH', 'x', { onState: true }), 409],
  ])('%# keeps apart what the request and what the state is to blame for', (error, status) => {
    expect(problemOf(error, context).status).toBe(status);
  });

  test.each([
    [new ReasonError('OVERLOADED', 'x', { retryAfterMs: 1 }), '1'],
    [new ReasonError('OVERLOADED', 'x', { retryAfterMs: 1001 }), '2'],
    [new ReasonError('OVERLOADED', 'x'), undefined],
  ])('%# rounds Retry-After up to whole seconds', (error, expected) => {
    expect(problemOf(error, context).headers['retry-after']).toBe(expected);
  });

  test('uses the registered types for quota and load', () => {
    const type = (error: ReasonError) => JSON.parse(problemOf(error, context).body).type;
    expect(type(new ReasonError('RATE_LIMITED', 'x'))).toMatch(/#quota-exceeded$/);
    expect(type(new ReasonError('OVERLOADED', 'x'))).toMatch(/#temporary-reduced-capacity$/);
  });
});

describe('withJsonNames()', () => {
  test('renames fields and keeps the rest', () => {
    const error = new ReasonError('CURRENCY_MISMATCH', 'items[0].unit_price: differs', {
      fields: [{ field: 'items[0].unit_price', reason: 'currency', detail: 'differs' }],
      onState: true,
      metadata: { a: '1' },
      retryAfterMs: 5,
    });
    expect(withJsonNames(error)).toMatchObject({
      reason: 'CURRENCY_MISMATCH',
      code: 'FAILED_PRECONDITION',
      message: 'items[0].unitPrice: differs',
      fields: [{ field: 'items[0].unitPrice', reason: 'currency', detail: 'differs' }],
      metadata: { a: '1' },
      retryAfterMs: 5,
    });
  });
});
