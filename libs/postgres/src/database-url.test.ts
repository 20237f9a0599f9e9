import { expect, test } from 'vitest';
import { databaseOf, databaseUrl } from './database-url.ts';

test('keeps role, password, host and parameters, and replaces the database', () => {
  expect(databaseUrl('postgres://r:p%40ss@h:5433/a?sslmode=require', 'ordermesh_log')).toBe(
    'postgres://r:p%40ss@h:5433/ordermesh_log?sslmode=require',
  );
});

test('names the database of a server URL without one', () => {
  expect(databaseUrl('postgresql://h', 'x y')).toBe('postgresql://h/x%20y');
});

test('reads the database back, undefined where the URL names none', () => {
  expect(databaseOf('postgres://h/x%20y')).toBe('x y');
  expect(databaseOf('postgres://h:5432')).toBeUndefined();
  expect(databaseOf('postgres://h/')).toBeUndefined();
});
