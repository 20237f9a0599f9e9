import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where downloaded engines are kept across runs: ENGINES_CACHE, else a folder of the user's cache. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.ENGINES_CACHE) return resolve(env.ENGINES_CACHE);
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ordermesh', 'engines');
}
