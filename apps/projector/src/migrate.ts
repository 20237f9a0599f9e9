import { leaseMigrations } from '@ordermesh/messaging';
import { prepareDatabase } from '@ordermesh/postgres';
import { postgresViewMigrations } from '@ordermesh/read-model';
import { logger } from '@ordermesh/telemetry';
import { readMigrationConfig } from './config.ts';

/** Makes the database of the views, or brings it up to date. @throws as `prepareDatabase`, and ConfigError */
export async function migrateViews(signal: AbortSignal): Promise<void> {
  const config = readMigrationConfig();
  await prepareDatabase({ ...config, ...postgresViewMigrations }, signal);
  await prepareDatabase({ ...config, ...leaseMigrations }, signal);
  logger('projector').info('the views are up to date');
}
