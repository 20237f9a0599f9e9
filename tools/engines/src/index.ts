export { freePort } from './free-port.ts';
export { LockedError, lockFile } from './lock-file.ts';
export type { Postgres, PostgresExit, PostgresOptions } from './postgres/start.ts';
export { startPostgres } from './postgres/start.ts';
