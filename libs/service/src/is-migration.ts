import { StartupError } from './startup-error.ts';

/**
 * Whether the process was started to bring its database up to date and end, instead of to serve: `main.ts migrate`, as a Job before the processes that
 * have no right to change the schema.
 * @param args what follows the entry file
 * @throws StartupError for any other word
 */
export function isMigration(args: readonly string[] = process.argv.slice(2)): boolean {
  const [word, ...more] = args;
  if (word === undefined) return false;
  if (word === 'migrate' && more.length === 0) return true;
  throw new StartupError([`unknown argument "${args.join(' ')}"; it must be "migrate", or none`]);
}
