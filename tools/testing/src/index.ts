export { type AppEnd, type AppProcess, type LogLine, startApp } from './app-process.ts';
export { type DatabaseOutage, databaseOutage } from './database-outage.ts';
export { type EventuallyOptions, eventually } from './eventually.ts';
export { callingAs, withPrincipals } from './principals.ts';
export { frozen, processTree, stillRunning } from './processes.ts';
export type { TestEngine } from './provided.ts';
export { type DatabaseTemplate, type TestDatabase, testDatabase } from './test-database.ts';
export {
  isMissing,
  type TestRedis,
  testIndexPrefix,
  testRedis,
  testTopicName,
} from './test-engines.ts';
export { withClient } from './with-client.ts';
