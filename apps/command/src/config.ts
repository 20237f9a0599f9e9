import { busSettings, chosenBus } from '@ordermesh/messaging';
import { parseMinimums } from '@ordermesh/order';
import { databaseUrl } from '@ordermesh/postgres';
import { reflectionOn, rpcSettings } from '@ordermesh/rpc';
import { ConfigError, custom, durationMs, int, port, readSettings, url } from '@ordermesh/service';

const postgres = { schemes: ['postgres', 'postgresql'] } as const;

/** Everything that the command service can be told. */
export const settings = {
  ...rpcSettings,
  ...busSettings,
  port: port('COMMAND_PORT', { doc: 'Port of the gRPC services.', default: 50051 }),
  adminPort: port('COMMAND_ADMIN_PORT', { doc: 'Port of health and metrics.', default: 9461 }),
  databaseUrl: url('DATABASE_URL', { doc: 'The PostgreSQL server.', optional: true, ...postgres }),
  logDatabaseUrl: url('LOG_DATABASE_URL', {
    doc: 'The database of the event log. Default: ordermesh_log on DATABASE_URL.',
    optional: true,
    ...postgres,
  }),
  migrationDatabaseUrl: url('MIGRATION_DATABASE_URL', {
    doc: 'A role that may create databases and tables; without it the schema must be there.',
    optional: true,
    ...postgres,
  }),
  partitions: int('PARTITIONS', {
    doc: 'Partitions of the bus, fixed with the log.',
    default: 12,
    min: 1,
    max: 1024,
  }),
  tokenKey: custom('TOKEN_KEY', {
    doc: 'Signs page tokens; the same in all processes.',
    secret: true,
    expects: 'a text of at least 16 bytes',
    parse: (value) => {
      const key = Buffer.from(value);
      return key.length >= 16 ? key : undefined;
    },
  }),
  estimatedDeliveryDays: int('ESTIMATED_DELIVERY_DAYS', {
    doc: 'Promise made at creation.',
    default: 5,
    max: 365,
  }),
  minimums: custom('ORDER_MINIMUMS', {
    doc: 'Smallest total per currency in minor units.',
    expects: 'currency:minor units, separated by commas, e.g. USD:1000,JPY:5',
    default: new Map<string, bigint>() as ReadonlyMap<string, bigint>,
    parse: (value) => {
      try {
        return parseMinimums(value);
      } catch {
        return undefined;
      }
    },
  }),
  idempotencyRetentionMs: durationMs('IDEMPOTENCY_RETENTION', {
    doc: 'How long an idempotency key is remembered.',
    default: 24 * 3_600_000,
  }),
};

/** Reads them. @throws ConfigError */
export function readConfig(env = process.env) {
  const read = readSettings(env, settings);
  const logUrl =
    read.logDatabaseUrl ?? (read.databaseUrl && databaseUrl(read.databaseUrl, 'ordermesh_log'));
  if (logUrl === undefined)
    throw new ConfigError([
      'DATABASE_URL (or LOG_DATABASE_URL) is not set; it must be the URL of a PostgreSQL server',
    ]);
  return { ...read, logUrl, bus: chosenBus(read), reflection: reflectionOn(read) };
}
