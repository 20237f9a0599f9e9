import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { inject } from 'vitest';
import type { TestEngine } from './provided.ts';

/**
 * Whether this run does without an engine, which locally is allowed:
 * `describe.skipIf(isMissing('kafka'))(…)`. With CI=true only ENGINES_SKIP makes it true.
 */
export function isMissing(engine: TestEngine): boolean {
  return inject('missingEngines')[engine] !== undefined;
}

/** A topic name, or the beginning of several, that no other test uses. The topic is not made. */
export function testTopicName(): string {
  return uniqueName();
}

/** The beginning of index and alias names that no other test uses; it ends with a hyphen. */
export function testIndexPrefix(): string {
  return `${uniqueName()}-`;
}

/** A Redis for one test, or one test file. */
export interface TestRedis {
  /** With the number of an empty database, which no other test uses, when the run started the server. */
  readonly url: string;
  /** The beginning of keys and channels that no other test uses: channels are shared by all databases. */
  readonly keyPrefix: string;
}

/** A database of its own on the run's server; on the server of REDIS_URL only the prefix is. */
export async function testRedis(): Promise<TestRedis> {
  const url = inject('redisUrl');
  const keyPrefix = `${uniqueName()}:`;
  if (process.env.REDIS_URL) return { url, keyPrefix };
  const redis = new Redis(url);
  try {
    const database = await redis.incr('ordermesh-test-databases'); // in database 0, which nobody gets
    return { url: `${url}/${database}`, keyPrefix };
  } finally {
    redis.disconnect();
  }
}

/** Lower case and hyphens only: allowed in topics and indices alike. */
const uniqueName = () => `ordermesh-test-${randomBytes(6).toString('hex')}`;
