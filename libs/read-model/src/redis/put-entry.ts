import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

const lua = readFileSync(new URL('put.lua', import.meta.url), 'utf8');
const sha = createHash('sha1').update(lua).digest('hex');

/** How long Redis keeps an entry, in milliseconds. */
const ttlMs = 3_600_000;

/**
 * Writes an entry unless there is a newer one.
 * @param values of `encodeEntry`
 * @returns false if there is a newer one
 */
export async function putEntry(
  redis: Redis,
  key: string,
  values: readonly (string | Buffer)[],
): Promise<boolean> {
  const args = [key, ttlMs, ...values];
  try {
    return (await redis.evalsha(sha, 1, ...args)) === 1;
  } catch (error) {
    // A restart or SCRIPT FLUSH forgets scripts; EVAL makes this one known again.
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    return (await redis.eval(lua, 1, ...args)) === 1;
  }
}
