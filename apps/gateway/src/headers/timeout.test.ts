import { describe, expect, test } from 'vitest';
import { requestedTimeoutMs } from './timeout.ts';

describe('requestedTimeoutMs()', () => {
  test.each([
    [{}, undefined],
    [{ 'connect-timeout-ms': '0' }, 0],
    [{ 'connect-timeout-ms': '1500' }, 1500],
    [{ 'grpc-timeout': '2S' }, 2000],
    [{ 'grpc-timeout': '250m' }, 250],
    [{ 'grpc-timeout': '1H' }, 3_600_000],
    [{ 'grpc-timeout': '5000u' }, 5],
    [{ 'connect-timeout-ms': '100', 'grpc-timeout': '1S' }, 100],
  ])('%j is %s', (headers, expected) => {
    expect(requestedTimeoutMs(headers)).toBe(expected);
  });

  test.each([
    { 'connect-timeout-ms': '' },
    { 'connect-timeout-ms': '-1' },
    { 'connect-timeout-ms': '1.5' },
    { 'connect-timeout-ms': '12345678901' },
    { 'connect-timeout-ms': '5, 6' },
    { 'grpc-timeout': '5' },
    { 'grpc-timeout': '5s' },
    { 'grpc-timeout': '123456789S' },
  ])('refuses %j', (headers) => {
    expect(() => requestedTimeoutMs(headers)).toThrow(
      expect.objectContaining({ reason: 'INVALID_REQUEST' }),
    );
  });
});
