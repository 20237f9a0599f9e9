import { busSettings, chosenBus } from '@ordermesh/messaging';
import {
  database,
  host,
  migrationDatabaseUrl,
  partitions,
  port,
  readSettings,
  redisUrl,
  text,
  url,
} from '@ordermesh/service';

/** Everything that the projector can be told. */
const settings = {
  ...busSettings,
  host,
  adminPort: port('PROJECTOR_ADMIN_PORT', { doc: 'Port of health and metrics.', default: 9463 }),
  commandAddress: text('COMMAND_ADDRESS', {
    doc: 'The command service, for lost stretches of the log.',
    default: '127.0.0.1:50051',
  }),
  customerAddress: text('CUSTOMER_ADDRESS', {
    doc: 'The customer service, for names and e-mails.',
    default: '127.0.0.1:50053',
  }),
  logUrl: database('log'),
  viewUrl: database('view'),
  migrationDatabaseUrl,
  elasticsearchUrl: url('ELASTICSEARCH_URL', {
    doc: 'Elasticsearch, for a second projection. Default: none.',
    optional: true,
    schemes: ['http', 'https'],
  }),
  redisUrl,
  partitions,
};

/** Reads them. @throws ConfigError */
export function readConfig(env = process.env) {
  const read = readSettings(env, settings);
  return { ...read, bus: chosenBus(read) };
}
