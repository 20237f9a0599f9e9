import { prepareDatabase } from '@ordermesh/postgres';
import { logger } from '@ordermesh/telemetry';
import { readMigrationConfig } from './config.ts';
import { customerMigrations } from './customer-store.ts';

/** Makes the customers' database, or brings it up to date. @throws as `prepareDatabase`, and ConfigError */
export async function migrateCustomers(signal: AbortSignal): Promise<void> {
  await prepareDatabase({ ...readMigrationConfig(), directory: customerMigrations }, signal);
  logger('customer').info('the customers are up to date');
}
