import { describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';

const server = 'postgres://app:secret@db:5432/postgres';

describe('readConfig()', () => {
  it('needs nothing but a server', () => {
    expect(readConfig({ DATABASE_URL: server })).toEqual({
      host: '127.0.0.1',
      port: 50053,
      adminPort: 9464,
      databaseUrl: 'postgres://app:secret@db:5432/ordermesh_customer',
      migrationDatabaseUrl: undefined,
      requestTimeoutMs: 2000,
      maxConcurrentRequests: 1000,
      reflection: true,
      faults: false,
    });
  });

  it('takes CUSTOMER_DATABASE_URL as it is, before DATABASE_URL', () => {
    const own = 'postgres://app@elsewhere/mine';
    expect(readConfig({ DATABASE_URL: server, CUSTOMER_DATABASE_URL: own }).databaseUrl).toBe(own);
    expect(readConfig({ CUSTOMER_DATABASE_URL: own }).databaseUrl).toBe(own);
  });

  it('names the variable when there is no database', () => {
    expect(() => readConfig({})).toThrow(/^DATABASE_URL \(or CUSTOMER_DATABASE_URL\) is not set/);
  });

  it.each([
    ['127.0.0.1', true],
    ['localhost', true],
    ['::1', true],
    ['0.0.0.0', false],
    ['10.0.0.1', false],
  ])('on %s serves reflection by default: %s', (host, reflection) => {
    expect(readConfig({ DATABASE_URL: server, HOST: host }).reflection).toBe(reflection);
  });

  it('lets GRPC_REFLECTION decide against the default', () => {
    const at = (HOST: string, GRPC_REFLECTION: string) =>
      readConfig({ DATABASE_URL: server, HOST, GRPC_REFLECTION }).reflection;
    expect(at('0.0.0.0', 'on')).toBe(true);
    expect(at('127.0.0.1', 'off')).toBe(false);
  });

  it('names every malformed variable at once', () => {
    const faulty = { DATABASE_URL: 'mysql://x', CUSTOMER_PORT: '70000', REQUEST_TIMEOUT_MS: '0' };
    const message = () => readConfig(faulty);
    for (const name of Object.keys(faulty)) expect(message).toThrow(name);
  });
});
