import { logMigrations } from '@ordermesh/event-store-postgres';
import { prepareDatabase } from '@ordermesh/postgres';
import { logger } from '@ordermesh/telemetry';
import { readMigrationConfig } from './config.ts';

/** Makes the log's database, or brings it up to date. @throws as `prepareDatabase`, and ConfigError */
export async function migrateLog(signal: AbortSignal): Promise<void> {
  await prepareDatabase({ ...readMigrationConfig(), directory: logMigrations }, signal);
  logger('command').info('the log is up to date');
}
