import { readAuth } from '@ordermesh/auth';
import { busSettings, chosenBus } from '@ordermesh/messaging';
import { parseMinimums } from '@ordermesh/order';
import { rateLimitSettings } from '@ordermesh/rate-limit';
import { reflectionOn, rpcSettings } from '@ordermesh/rpc';
import {
  custom,
  database,
  durationMs,
  int,
  migrationDatabaseUrl,
  migrationSettings,
  partitions,
  port,
  readSettings,
  tokenKey,
} from '@ordermesh/service';

/** Everything that the command service can be told. */
const settings = {
  ...rpcSettings,
  ...rateLimitSettings,
  ...busSettings,
  port: port('COMMAND_PORT', { doc: 'Port of the gRPC services.', default: 50051 }),
  adminPort: port('COMMAND_ADMIN_PORT', { doc: 'Port of health and metrics.', default: 9461 }),
  logUrl: database('log'),
  migrationDatabaseUrl,
  partitions,
  tokenKey,
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
  snapshotEvery: int('SNAPSHOT_EVERY', {
    doc: 'Events between two snapshots of an order.',
    default: 100,
    min: 1,
    max: 10_000,
  }),
  stateCacheBytes: int('STATE_CACHE_BYTES', {
    doc: 'Memory for orders kept ready for their next command, estimated; 0 keeps none.',
    default: 64 * 1024 * 1024,
  }),
  idempotencyRetentionMs: durationMs('IDEMPOTENCY_RETENTION', {
    doc: 'How long an idempotency key is remembered.',
    default: 24 * 3_600_000,
  }),
};

/** Reads them. @throws ConfigError */
export function readConfig(env = process.env) {
  const read = readSettings(env, settings);
  return { ...read, bus: chosenBus(read), reflection: reflectionOn(read), auth: readAuth(env) };
}

/** Reads what `migrate` needs. @throws ConfigError */
export function readMigrationConfig(env = process.env) {
  return readSettings(env, migrationSettings('log'));
}
