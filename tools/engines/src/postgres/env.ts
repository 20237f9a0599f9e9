/**
 * The whole environment of PostgreSQL's programs. English messages, because readiness and causes are
 * read from them; no PG* variable of the caller, which could move the port or the data folder.
 */
export function postgresEnv(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
}
