import { custom, onOff, redis, redisUrl } from '@ordermesh/service';
import { parseRateLimitConfig } from './parse-config.ts';
import { addressPolicy, defaultRateLimitConfig, type RateLimitConfig } from './policy.ts';

/** The settings of every process that limits its clients. */
export const rateLimitSettings = {
  rateLimit: onOff('RATE_LIMIT', { doc: 'Whether clients are limited.', default: true }),
  rateLimitConfig: custom('RATE_LIMIT_CONFIG', {
    doc: 'Policies and costs as JSON. Default: 50 requests a second per client, 500 at once. Where clients have tokens and no policy is by address, ten times that per address too.',
    expects:
      'JSON like {"policies":[{"name":"client","by":"caller","burst":500,"perSecond":50}],"costs":{"search":5}}',
    default: defaultRateLimitConfig as RateLimitConfig,
    parse: parseRateLimitConfig,
  }),
  rateLimitRedisUrl: redis(
    'RATE_LIMIT_REDIS_URL',
    'Redis with the shared counters, with maxmemory-policy noeviction. Default: that of REDIS_URL, else each process counts alone.',
  ),
  redisUrl,
};

/** What {@link rateLimitSettings} were read as. */
interface ReadLimits {
  readonly rateLimit: boolean;
  readonly rateLimitConfig: RateLimitConfig;
  readonly rateLimitRedisUrl: string | undefined;
  readonly redisUrl: string | undefined;
}

/** The limits of a process and where they are counted; undefined when there are none. */
export interface ChosenLimits {
  readonly config: RateLimitConfig;
  /** Undefined: in the process. */
  readonly redisUrl: string | undefined;
}

/** @param beforeTokens whether addresses are limited before tokens are verified, and so need a limit of their own */
export function chosenLimits(read: ReadLimits, beforeTokens = false): ChosenLimits | undefined {
  if (!read.rateLimit) return undefined;
  const { rateLimitConfig, rateLimitRedisUrl, redisUrl } = read;
  const lacksAddress = rateLimitConfig.policies.every(({ by }) => by !== 'address');
  const config =
    beforeTokens && lacksAddress
      ? { ...rateLimitConfig, policies: [addressPolicy, ...rateLimitConfig.policies] }
      : rateLimitConfig;
  return { config, redisUrl: rateLimitRedisUrl ?? redisUrl };
}
