export { type AwaitSchemaOptions, awaitSchema } from './await-schema.ts';
export { backoffMs } from './backoff.ts';
export { databaseOf } from './database-url.ts';
export { type ListenOptions, listen } from './listen.ts';
export { type MigrateOptions, migrate } from './migrate.ts';
export { SchemaError } from './migration-files.ts';
export { createPool, type PoolOptions } from './pool.ts';
export { type PrepareDatabaseOptions, prepareDatabase } from './prepare-database.ts';
export { acquire, query, read, type Statement } from './query.ts';
export {
  isConnectionLoss,
  isDataError,
  isPassing,
  isReadOnly,
  isSerialization,
  isServerTimeout,
  NoConnectionError,
  sqlState,
} from './sql-state.ts';
