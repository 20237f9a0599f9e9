import { busSettings, chosenBus } from '@ordermesh/messaging';
import { databaseUrl } from '@ordermesh/postgres';
import { ConfigError, int, port, readSettings, text, url } from '@ordermesh/service';

const postgres = { schemes: ['postgres', 'postgresql'] } as const;

/** Everything that the projector can be told. */
export const settings = {
  ...busSettings,
  host: text('HOST', { doc: 'Address to listen on.', default: '127.0.0.1' }),
  adminPort: port('PROJECTOR_ADMIN_PORT', { doc: 'Port of health and metrics.', default: 9463 }),
  commandAddress: text('COMMAND_ADDRESS', {
    doc: 'The command service, for lost stretches of the log.',
    default: '127.0.0.1:50051',
  }),
  customerAddress: text('CUSTOMER_ADDRESS', {
    doc: 'The customer service, for names and e-mails.',
    default: '127.0.0.1:50053',
  }),
  databaseUrl: url('DATABASE_URL', { doc: 'The PostgreSQL server.', optional: true, ...postgres }),
  logDatabaseUrl: url('LOG_DATABASE_URL', {
    doc: 'The database of the event log. Default: ordermesh_log on DATABASE_URL.',
    optional: true,
    ...postgres,
  }),
  viewDatabaseUrl: url('VIEW_DATABASE_URL', {
    doc: 'The database of the views. Default: ordermesh_view on DATABASE_URL.',
    optional: true,
    ...postgres,
  }),
  elasticsearchUrl: url('ELASTICSEARCH_URL', {
    doc: 'Elasticsearch, for a second projection. Default: none.',
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
};

/** Reads them. @throws ConfigError */
export function readConfig(env = process.env) {
  const read = readSettings(env, settings);
  const on = (own: string | undefined, name: string) =>
    own ?? (read.databaseUrl && databaseUrl(read.databaseUrl, name));
  const logUrl = on(read.logDatabaseUrl, 'ordermesh_log');
  const viewUrl = on(read.viewDatabaseUrl, 'ordermesh_view');
  if (logUrl === undefined || viewUrl === undefined)
    throw new ConfigError([
      'DATABASE_URL (or LOG_DATABASE_URL and VIEW_DATABASE_URL) is not set; it must be the URL of a PostgreSQL server',
    ]);
  return { ...read, bus: chosenBus(read), logUrl, viewUrl };
}
