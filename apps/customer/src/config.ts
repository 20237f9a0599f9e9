import { databaseUrl } from '@ordermesh/postgres';
import {
  ConfigError,
  type Environment,
  int,
  onOff,
  port,
  readSettings,
  text,
  url,
} from '@ordermesh/service';

const schemes = ['postgres', 'postgresql'] as const;

/** What this process can be told by its environment. */
export const customerSettings = {
  host: text('HOST', { doc: 'Address to listen on.', default: '127.0.0.1' }),
  port: port('CUSTOMER_PORT', { doc: 'gRPC port.', default: 50053 }),
  adminPort: port('CUSTOMER_ADMIN_PORT', {
    doc: 'Port of health, metrics and faults.',
    default: 9464,
  }),
  serverUrl: url('DATABASE_URL', {
    doc: 'PostgreSQL server; its database ordermesh_customer is used.',
    schemes,
    optional: true,
  }),
  ownUrl: url('CUSTOMER_DATABASE_URL', {
    doc: 'The database itself, instead of ordermesh_customer on DATABASE_URL.',
    schemes,
    optional: true,
  }),
  migrationUrl: url('MIGRATION_DATABASE_URL', {
    doc: 'Server with a role that may create databases and tables; without it the schema is waited for.',
    schemes,
    optional: true,
  }),
  requestTimeoutMs: int('REQUEST_TIMEOUT_MS', {
    doc: 'Deadline of calls that bring none, in milliseconds.',
    default: 2000,
    min: 1,
    max: 600_000,
  }),
  reflection: onOff('GRPC_REFLECTION', {
    doc: 'Whether gRPC reflection is served; by default only on a loopback HOST.',
    optional: true,
  }),
  faults: onOff('CUSTOMER_FAULTS', {
    doc: 'Whether POST /faults on the admin port may slow calls down and make them fail.',
    default: false,
  }),
};

/** Settings with every default resolved. */
export interface CustomerConfig {
  readonly host: string;
  readonly port: number;
  readonly adminPort: number;
  readonly databaseUrl: string;
  readonly migrationUrl: string | undefined;
  readonly requestTimeoutMs: number;
  readonly reflection: boolean;
  readonly faults: boolean;
}

/** @throws ConfigError naming every variable at fault */
export function readConfig(env: Environment = process.env): CustomerConfig {
  const { serverUrl, ownUrl, reflection, ...rest } = readSettings(env, customerSettings);
  if (ownUrl === undefined && serverUrl === undefined) {
    throw new ConfigError([
      'DATABASE_URL is not set; it must be the URL of a PostgreSQL server (postgres://…), or CUSTOMER_DATABASE_URL that of the database itself',
    ]);
  }
  return {
    ...rest,
    databaseUrl: ownUrl ?? databaseUrl(serverUrl as string, 'ordermesh_customer'),
    reflection: reflection ?? isLoopback(rest.host),
  };
}

const isLoopback = (host: string) => /^(127\.|::1$|localhost$)/.test(host);
