import { readMeshAuth } from '@ordermesh/auth';
import { busSettings, chosenBus } from '@ordermesh/messaging';
import { grpcTarget } from '@ordermesh/rpc';
import {
  database,
  host,
  migrationDatabaseUrl,
  migrationSettings,
  partitions,
  port,
  readSettings,
  redisUrl,
  tlsFiles,
  url,
} from '@ordermesh/service';

/** Everything that the projector can be told. */
const settings = {
  ...busSettings,
  ...tlsFiles,
  host,
  adminPort: port('PROJECTOR_ADMIN_PORT', { doc: 'Port of health and metrics.', default: 9463 }),
  commandAddress: grpcTarget('COMMAND_ADDRESS', {
    doc: 'The command service, for lost stretches of the log.',
    default: '127.0.0.1:50051',
  }),
  customerAddress: grpcTarget('CUSTOMER_ADDRESS', {
    doc: 'The customer service, for names and e-mails.',
    default: '127.0.0.1:50053',
  }),
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

/** The embedded bus is the log itself; from any other one the command service reads it for us. */
const embeddedSettings = { ...settings, logUrl: database('log') };

/** Reads them. @throws ConfigError */
export function readConfig(env = process.env) {
  const bus = chosenBus(readSettings(env, busSettings));
  const auth = readMeshAuth(env);
  if (bus.kind !== 'embedded') return { ...readSettings(env, settings), bus, auth };
  const { logUrl, ...read } = readSettings(env, embeddedSettings);
  return { ...read, bus: { ...bus, logUrl }, auth };
}

/** Reads what `migrate` needs. @throws ConfigError */
export function readMigrationConfig(env = process.env) {
  return readSettings(env, migrationSettings('view'));
}
