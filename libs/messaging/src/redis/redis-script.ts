import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { answerOf } from './redis-client.ts';

const source = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');

/** A script on the stream of one partition. Calls of one client are sent without waiting for each other, and run in their order. */
export type StreamScript = (
  redis: Redis,
  stream: string,
  args: readonly (string | number | Buffer)[],
) => Promise<unknown>;

/**
 * A script of this folder, behind `prelude.lua`. Sent by its hash; a server that does not know it (restarted, or another one) gets it whole.
 * @param name file name
 */
export function streamScript(name: string): StreamScript {
  const lua = source('prelude.lua') + source(name);
  const hash = createHash('sha1').update(lua).digest('hex');
  return async (redis, stream, args) => {
    try {
      return await answerOf(redis, redis.evalsha(hash, 1, stream, ...args));
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return await answerOf(redis, redis.eval(lua, 1, stream, ...args));
    }
  };
}
