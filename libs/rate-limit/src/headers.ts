import type { RatePolicy } from './policy.ts';
import type { Standing } from './quota.ts';

/** A policy as it applied to one request. */
export interface AppliedPolicy {
  readonly policy: RatePolicy;
  /** Undefined when the counters were not asked about it. */
  readonly standing: Standing | undefined;
}

/**
 * The fields `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-10: structured fields (RFC 9651), times in whole seconds, rounded
 * up. Policies whose standing is not known are announced, but not told of.
 * @returns nothing when no policy applied
 */
export function rateLimitHeaders(applied: readonly AppliedPolicy[]): Record<string, string> {
  if (applied.length === 0) return {};
  const policies = applied.map(
    ({ policy: { name, quota } }) => `"${name}";q=${quota.limit};w=${seconds(quota.windowMs)}`,
  );
  const standings = applied.flatMap(({ policy, standing }) =>
    standing && Number.isFinite(standing.resetMs)
      ? `"${policy.name}";r=${standing.remaining};t=${seconds(standing.resetMs)}`
      : [],
  );
  return {
    'ratelimit-policy': policies.join(', '),
    ...(standings.length > 0 ? { ratelimit: standings.join(', ') } : {}),
  };
}

const seconds = (ms: number) => Math.ceil(ms / 1000);
