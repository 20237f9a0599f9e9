import { readAuth } from '@ordermesh/auth';
import { rateLimitSettings } from '@ordermesh/rate-limit';
import { reflectionOn, rpcSettings } from '@ordermesh/rpc';
import {
  database,
  durationMs,
  migrationDatabaseUrl,
  partitions,
  port,
  readSettings,
  redisUrl,
  tokenKey,
  url,
} from '@ordermesh/service';

/** Everything that the query service can be told. */
const settings = {
  ...rpcSettings,
  ...rateLimitSettings,
  port: port('QUERY_PORT', { doc: 'Port of the gRPC service.', default: 50052 }),
  adminPort: port('QUERY_ADMIN_PORT', { doc: 'Port of health and metrics.', default: 9462 }),
  viewUrl: database('view'),
  migrationDatabaseUrl,
  elasticsearchUrl: url('ELASTICSEARCH_URL', {
    doc: 'Elasticsearch, for searches. Default: PostgreSQL answers them, too.',
    optional: true,
    schemes: ['http', 'https'],
  }),
  redisUrl,
  readCacheFreshMs: durationMs('READ_CACHE_FRESH_MS', {
    doc: 'How long a cached view may be answered without a look at its store; less by up to a fifth, by order.',
    default: 60_000,
  }),
  partitions,
  tokenKey,
  minVersionWaitMs: durationMs('MIN_VERSION_WAIT_MS', {
    doc: 'Longest wait for a view that has to contain a write.',
    default: 1_500,
  }),
};

/** Reads them. @throws ConfigError */
export function readConfig(env = process.env) {
  const read = readSettings(env, settings);
  return { ...read, reflection: reflectionOn(read), auth: readAuth(env) };
}
