export { consoleProgress, type Progress } from './cache/progress.ts';
export {
  type Elasticsearch,
  type ElasticsearchOptions,
  startElasticsearch,
} from './elasticsearch/start.ts';
export type { EngineNode } from './engine-node.ts';
export type { EngineExit } from './engine-process.ts';
export { freePort } from './free-port.ts';
export { type Kafka, type KafkaOptions, startKafka } from './kafka/start.ts';
export { LockedError, lockFile } from './lock-file.ts';
export type { Postgres, PostgresExit, PostgresOptions } from './postgres/start.ts';
export { startPostgres } from './postgres/start.ts';
export {
  type EngineName,
  type LocalEngine,
  type ProvidedEngines,
  type ProvideOptions,
  provideEngines,
} from './provide.ts';
export { REDIS_DATABASES, type Redis, type RedisOptions, startRedis } from './redis/start.ts';
