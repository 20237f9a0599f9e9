// For apps: a main.ts is `runProcess`, with settings read in its config.ts and an admin server opened first.

export type { AdminReply, AdminRoute } from './admin-route.ts';
export { type AdminOptions, type AdminServer, serveAdmin } from './admin-server.ts';
export { readProcessSettings } from './config.ts';
export { isMigration } from './is-migration.ts';
export type { Lifecycle, LifeState } from './lifecycle.ts';
export {
  type Environment,
  readSettings,
  type Settings,
  type SettingsSpec,
} from './read-settings.ts';
export type { ReadinessCheck, ReadinessChecks } from './readiness.ts';
export { runProcess } from './run-process.ts';
export {
  custom,
  durationMs,
  int,
  list,
  oneOf,
  onOff,
  port,
  type Setting,
  text,
  url,
} from './setting.ts';
export {
  auth,
  database,
  host,
  isLoopback,
  maxConcurrentRequests,
  migrationDatabaseUrl,
  migrationSettings,
  partitions,
  redis,
  redisUrl,
  tlsFiles,
  tokenKey,
} from './shared-settings.ts';

// For libraries that listen or that can't start without an operator's help.
export {
  ConfigError,
  ListenError,
  type ListenTarget,
  listenError,
  StartupError,
} from './startup-error.ts';
export { untilAborted } from './until-aborted.ts';
