import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../cache/cache-folder.ts';
import { fillOnce } from '../cache/fill-once.ts';
import { sizeOf } from '../cache/folder-size.ts';
import type { Progress } from '../cache/progress.ts';

/** The Redis to run. */
export interface RedisProgram {
  readonly program: string;
  /** Where the libraries lie that came with it; undefined for an installed one. */
  readonly libraries?: string;
  readonly version: string;
}

const DOWNLOAD_BYTES = 30_000_000; // the package lists; the packages are 1.5 MB

/**
 * `redis-server` of the PATH, else Debian's package, unpacked in the cache: nothing is installed on the system, and
 * no rights are needed.
 *
 * @throws when there is neither.
 */
export async function installRedis(progress: Progress): Promise<RedisProgram> {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']) {
    const program = join(folder, 'redis-server');
    if (folder && existsSync(program)) return { program, version: versionOf({ program }) };
  }
  if (spawnSync('apt-get', ['--version']).status !== 0) {
    throw new Error('no `redis-server` on the PATH and no apt-get to fetch one: install Redis');
  }
  const folder = join(cacheFolder(), `redis-debian-${process.arch}`);
  await fillOnce(folder, (staging) => download(staging, progress), progress.say);
  const libraries = join(folder, 'usr/lib');
  const found = {
    program: join(folder, 'usr/bin/redis-server'),
    // Debian's folders for each architecture, as far as the system did not have the libraries itself.
    libraries: existsSync(libraries)
      ? readdirSync(libraries)
          .map((name) => join(libraries, name))
          .join(':')
      : '',
  };
  return { ...found, version: versionOf(found) };
}

/** The environment that Redis is run with. */
export function redisEnv({ libraries }: { readonly libraries?: string }): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', ...(libraries && { LD_LIBRARY_PATH: libraries }) };
}

function versionOf(redis: { readonly program: string; readonly libraries?: string }): string {
  const output = execFileSync(redis.program, ['--version'], {
    env: redisEnv(redis),
    encoding: 'utf8',
  });
  return /v=(\S+)/.exec(output)?.[1] ?? 'unknown';
}

/** apt checks the signature of the lists, and by them the sums of the packages. */
async function download(staging: string, progress: Progress): Promise<void> {
  const lists = join(staging, 'apt/lists');
  const archives = join(staging, 'apt/archives');
  for (const folder of [lists, archives]) mkdirSync(join(folder, 'partial'), { recursive: true });
  const options = [
    ['Dir::State::Lists', lists],
    ['Dir::Cache::archives', archives],
    ['Dir::Cache::pkgcache', ''],
    ['Dir::Cache::srcpkgcache', ''],
    ['Debug::NoLocking', '1'], // the system's locks need root, and nothing of the system is touched
    ['APT::Sandbox::User', 'root'], // no switch to `_apt`, who may not write here
    ['Acquire::Languages', 'none'],
  ].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  using _shown = progress.track('Redis', DOWNLOAD_BYTES, () => sizeOf(staging));
  const run = (program: string, args: readonly string[]) =>
    promisify(execFile)(program, [...args]).catch((error: { stderr?: string; message: string }) => {
      const reason = error.stderr?.split('\n').find((line) => line.startsWith('E:'));
      throw new Error(`${program} could not fetch redis-server: ${reason ?? error.message}`);
    });
  await run('apt-get', ['-qq', ...options, 'update']);
  // With what it depends on, as far as the system has not got it.
  const install = ['--download-only', '--no-install-recommends', 'install', 'redis-server'];
  await run('apt-get', ['-qq', '-y', ...options, ...install]);
  for (const name of readdirSync(archives).filter((file) => file.endsWith('.deb'))) {
    await run('dpkg-deb', ['-x', join(archives, name), staging]);
  }
  await rm(join(staging, 'apt'), { recursive: true });
}
