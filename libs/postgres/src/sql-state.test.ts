import pg from 'pg';
import { expect, test } from 'vitest';
import {
  isConnectionLoss,
  isDataError,
  isPassing,
  isReadOnly,
  isSerialization,
  isServerTimeout,
  isUniqueViolation,
  NoConnectionError,
  sqlState,
} from './sql-state.ts';

const fromServer = (code: string) => Object.assign(new pg.DatabaseError('x', 1, 'error'), { code });
const fromSystem = (code: string) => Object.assign(new Error('x'), { code });

test('takes an error code for an SQLSTATE only when the server sent it', () => {
  expect(sqlState(fromServer('40001'))).toBe('40001');
  expect(sqlState(fromSystem('EPIPE'))).toBeUndefined();
});

test.each([
  fromServer('08006'),
  fromServer('57P01'),
  fromServer('57P03'),
  fromServer('25P03'),
  fromSystem('ECONNRESET'),
  fromSystem('EPIPE'),
  new Error('Connection terminated unexpectedly'),
  new Error('Query read timeout'),
  new NoConnectionError(new Error('timeout exceeded when trying to connect')),
])('sees a lost connection in %s', (error) => {
  expect(isConnectionLoss(error)).toBe(true);
});

test.each([fromServer('57014'), fromServer('23505'), fromSystem('ENOENT'), new Error('x'), 'x'])(
  'sees no lost connection in %s',
  (error) => {
    expect(isConnectionLoss(error)).toBe(false);
  },
);

test('sorts the other states', () => {
  expect(['40001', '40P01', '23505'].map(fromServer).map(isSerialization)).toEqual([
    true,
    true,
    false,
  ]);
  expect(['57014', '55P03', '57P01'].map(fromServer).map(isServerTimeout)).toEqual([
    true,
    true,
    false,
  ]);
  expect(['22P05', '23505', '25006'].map(fromServer).map(isDataError)).toEqual([true, true, false]);
  expect(isReadOnly(fromServer('25006'))).toBe(true);
  expect(isUniqueViolation(fromServer('23505'))).toBe(true);
});

test('takes for passing what another attempt may mend, and nothing else', () => {
  const passing = ['08006', '57014', '40001', '25006'].map(fromServer);
  expect(passing.map(isPassing)).toEqual([true, true, true, true]);
  expect(['22P05', '23505', '42P01', '42501'].map(fromServer).some(isPassing)).toBe(false);
});
