export { logChannel, logMigrations } from './log-schema.ts';
export { type Log, openLog } from './open-log.ts';
export { createReader, createWriter, type ReaderOptions, type WriterOptions } from './pools.ts';
export {
  createEventStore,
  type EventStoreOptions,
  type PostgresEventStore,
} from './postgres-event-store.ts';
