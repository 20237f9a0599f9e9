import { describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';

const required = {
  DATABASE_URL: 'postgres://app:secret@db:5432/postgres',
  TOKEN_KEY: '0123456789abcdef',
};

describe('readConfig()', () => {
  it('needs nothing but a server and a key', () => {
    expect(readConfig(required)).toMatchObject({
      host: '127.0.0.1',
      port: 50051,
      adminPort: 9461,
      logUrl: 'postgres://app:secret@db:5432/ordermesh_log',
      migrationDatabaseUrl: undefined,
      partitions: 12,
      tokenKey: Buffer.from('0123456789abcdef'),
      estimatedDeliveryDays: 5,
      minimums: new Map(),
      snapshotEvery: 100,
      stateCacheBytes: 67_108_864,
      idempotencyRetentionMs: 86_400_000,
      reflection: true,
    });
  });

  it('takes LOG_DATABASE_URL as it is, before DATABASE_URL', () => {
    const LOG_DATABASE_URL = 'postgres://app@elsewhere/mine';
    expect(readConfig({ ...required, LOG_DATABASE_URL }).logUrl).toBe(LOG_DATABASE_URL);
  });

  it('names the variable when there is no database', () => {
    expect(() => readConfig({ TOKEN_KEY: required.TOKEN_KEY })).toThrow(
      /DATABASE_URL .*is not set/,
    );
  });

  it('reads minimums per currency', () => {
    const { minimums } = readConfig({ ...required, ORDER_MINIMUMS: 'USD:1, JPY:5' });
    expect(minimums).toEqual(
      new Map([
        ['USD', 1n],
        ['JPY', 5n],
      ]),
    );
  });

  it.each([
    ['TOKEN_KEY', '15 bytes, short', 'at least 16 bytes'],
    ['ORDER_MINIMUMS', 'USD=1', 'USD:1000'],
    ['PARTITIONS', '0', 'from 1 to 1024'],
    ['SNAPSHOT_EVERY', '0', 'from 1 to 10000'],
    ['STATE_CACHE_BYTES', '64MB', 'a whole number'],
    ['COMMAND_PORT', '70000', 'from 0 to 65535'],
  ])('says what %s must be instead of %s', (variable, value, expected) => {
    const read = () => readConfig({ ...required, [variable]: value });
    expect(read).toThrow(variable);
    expect(read).toThrow(expected);
  });

  it('never shows a secret', () => {
    expect(() => readConfig({ ...required, TOKEN_KEY: 'hunter2' })).not.toThrow(/hunter2/);
  });
});
