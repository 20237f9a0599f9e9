import { readAuth } from '@ordermesh/auth';
import { reflectionOn, rpcSettings } from '@ordermesh/rpc';
import {
  database,
  migrationDatabaseUrl,
  migrationSettings,
  onOff,
  port,
  readSettings,
} from '@ordermesh/service';

/** Everything that the customer service can be told. */
const settings = {
  ...rpcSettings,
  port: port('CUSTOMER_PORT', { doc: 'Port of the gRPC service.', default: 50053 }),
  adminPort: port('CUSTOMER_ADMIN_PORT', {
    doc: 'Port of health, metrics and faults.',
    default: 9464,
  }),
  databaseUrl: database('customer'),
  migrationDatabaseUrl,
  faults: onOff('CUSTOMER_FAULTS', {
    doc: 'Whether POST /faults on the admin port may slow calls down and make them fail.',
    default: false,
  }),
};

/** Reads them. @throws ConfigError */
export function readConfig(env = process.env) {
  const read = readSettings(env, settings);
  return { ...read, reflection: reflectionOn(read), auth: readAuth(env) };
}

/** Reads what `migrate` needs. @throws ConfigError */
export function readMigrationConfig(env = process.env) {
  return readSettings(env, migrationSettings('customer'));
}
