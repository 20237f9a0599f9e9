import { databaseUrl } from '@ordermesh/postgres';
import { reflectionOn, rpcSettings } from '@ordermesh/rpc';
import { ConfigError, custom, durationMs, int, port, readSettings, url } from '@ordermesh/service';

const postgres = { schemes: ['postgres', 'postgresql'] } as const;

/** Everything that the query service can be told. */
export const settings = {
  ...rpcSettings,
  port: port('QUERY_PORT', { doc: 'Port of the gRPC service.', default: 50052 }),
  adminPort: port('QUERY_ADMIN_PORT', { doc: 'Port of health and metrics.', default: 9462 }),
  databaseUrl: url('DATABASE_URL', { doc: 'The PostgreSQL server.', optional: true, ...postgres }),
  viewDatabaseUrl: url('VIEW_DATABASE_URL', {
    doc: 'The database of the views. Default: ordermesh_view on DATABASE_URL.',
    optional: true,
    ...postgres,
  }),
  elasticsearchUrl: url('ELASTICSEARCH_URL', {
    doc: 'Elasticsearch, for searches. Default: PostgreSQL answers them, too.',
    optional: true,
    schemes: ['http', 'https'],
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
  minVersionWaitMs: durationMs('MIN_VERSION_WAIT_MS', {
    doc: 'Longest wait for a view that has to contain a write.',
    default: 1_500,
  }),
};

/** Reads them. @throws ConfigError */
export function readConfig(env = process.env) {
  const read = readSettings(env, settings);
  const viewUrl =
    read.viewDatabaseUrl ?? (read.databaseUrl && databaseUrl(read.databaseUrl, 'ordermesh_view'));
  if (viewUrl === undefined)
    throw new ConfigError([
      'DATABASE_URL (or VIEW_DATABASE_URL) is not set; it must be the URL of a PostgreSQL server',
    ]);
  return { ...read, viewUrl, reflection: reflectionOn(read) };
}
