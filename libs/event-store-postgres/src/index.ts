export { logChannel, logMigrations } from './log-schema.ts';
export { type Log, openLog } from './open-log.ts';
export {
  createEventStore,
  type EventStoreOptions,
  type PostgresEventStore,
} from './postgres-event-store.ts';
export { createWriter, type WriterOptions } from './writer.ts';
