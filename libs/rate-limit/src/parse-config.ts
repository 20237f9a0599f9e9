import {
  type RateLimitConfig,
  type RatePolicy,
  type RouteClass,
  routeClasses,
  subjects,
} from './policy.ts';
import type { Quota } from './quota.ts';

/**
 * Reads RATE_LIMIT_CONFIG:
 *
 * ```json
 * {"policies": [{"name": "client", "by": "caller", "burst": 500, "perSecond": 50},
 *               {"name": "hourly", "by": "address", "limit": 10000, "windowSeconds": 3600, "mode": "shadow",
 *                "routes": ["search"], "onStoreLoss": "closed"}],
 *  "costs": {"search": 5, "list": 2}, "replicas": 3}
 * ```
 *
 * `burst` and `perSecond` make a token bucket, `limit` and `windowSeconds` a sliding window.
 * @returns undefined for anything else, an unknown field included
 */
export function parseRateLimitConfig(json: string): RateLimitConfig | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  const config = objectOf(value, ['policies', 'costs', 'replicas']);
  const { costs = {}, replicas = 1 } = config ?? {};
  const policies = Array.isArray(config?.policies) ? config.policies.map(policyOf) : [undefined];
  if (policies.includes(undefined) || !isCount(replicas) || !areCosts(costs)) return undefined;
  if (new Set(policies.map((policy) => policy?.name)).size < policies.length) return undefined;
  return { policies: policies as RatePolicy[], costs, replicas };
}

function policyOf(value: unknown): RatePolicy | undefined {
  const known = ['name', 'by', 'mode', 'onStoreLoss', 'routes'];
  const sizes = ['burst', 'perSecond', 'limit', 'windowSeconds'];
  const policy = objectOf(value, [...known, ...sizes]);
  const quota = policy && quotaOf(policy);
  if (!policy || !quota) return undefined;
  const { name, by, mode = 'enforce', onStoreLoss = 'local', routes } = policy;
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]{0,31}$/.test(name)) return undefined;
  if (!isOneOf(by, subjects)) return undefined;
  if (!isOneOf(mode, ['enforce', 'shadow', 'off'] as const)) return undefined;
  if (!isOneOf(onStoreLoss, ['local', 'closed'] as const)) return undefined;
  if (routes === undefined) return { name, by, quota, mode, onStoreLoss };
  if (!Array.isArray(routes) || !routes.every((route) => isOneOf(route, routeClasses)))
    return undefined;
  return { name, by, quota, mode, onStoreLoss, routes };
}

function quotaOf({
  burst,
  perSecond,
  limit,
  windowSeconds,
}: Readonly<Record<string, unknown>>): Quota | undefined {
  if (limit === undefined && windowSeconds === undefined)
    return isCount(burst) && isPositive(perSecond)
      ? { kind: 'token-bucket', limit: burst, windowMs: (burst / perSecond) * 1000 }
      : undefined;
  if (burst !== undefined || perSecond !== undefined) return undefined;
  return isCount(limit) && isPositive(windowSeconds)
    ? { kind: 'sliding-window', limit, windowMs: windowSeconds * 1000 }
    : undefined;
}

function areCosts(value: unknown): value is Partial<Record<RouteClass, number>> {
  const costs = objectOf(value, routeClasses);
  return costs !== undefined && Object.values(costs).every(isCount);
}

function objectOf(
  value: unknown,
  fields: readonly string[],
): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.keys(value).every((field) => fields.includes(field))
    ? (value as Record<string, unknown>)
    : undefined;
}

const isOneOf = <const T>(value: unknown, known: readonly T[]): value is T =>
  known.includes(value as T);
const isPositive = (value: unknown): value is number =>
  typeof value === 'number' && value > 0 && value <= 1e9;
/** 1 to a billion: what the counters hold exactly. */
const isCount = (value: unknown): value is number => isPositive(value) && Number.isInteger(value);
