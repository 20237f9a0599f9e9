import type { Quota } from './quota.ts';

/** What a request asks for, as far as its price goes. `other` has no route. */
export const routeClasses = ['command', 'get', 'list', 'search', 'other'] as const;
export type RouteClass = (typeof routeClasses)[number];

/** The class of a method, by the first word of its name (AIP-131 to 136): what neither gets, lists nor searches changes something. */
export function routeClass(methodName: string): RouteClass {
  const verb = /^(?:Batch)?(Get|List|Search|Read)/.exec(methodName)?.[1];
  if (verb === undefined) return 'command';
  return verb === 'Get' ? 'get' : verb === 'Search' ? 'search' : 'list';
}

/** Whose requests a policy counts together: those of one address, of one API caller, or of one API caller on one class of routes. */
export const subjects = ['address', 'caller', 'caller-and-route'] as const;
export type Subject = (typeof subjects)[number];

/** One limit that clients are held to. */
export interface RatePolicy {
  /** As clients see it in `RateLimit-Policy`, and as metrics name it. */
  readonly name: string;
  readonly by: Subject;
  readonly quota: Quota;
  /** `enforce` refuses, `shadow` only counts what it would refuse, `off` does nothing. */
  readonly mode: 'enforce' | 'shadow' | 'off';
  /** When the shared counters cannot be reached: `local` counts in this process, its share of the limit; `closed` answers 503. */
  readonly onStoreLoss: 'local' | 'closed';
  /** Only these routes; all by default. */
  readonly routes?: readonly RouteClass[];
}

/** What RATE_LIMIT_CONFIG says. */
export interface RateLimitConfig {
  readonly policies: readonly RatePolicy[];
  /** What a request of each class costs; 1 where nothing is said. */
  readonly costs: Readonly<Partial<Record<RouteClass, number>>>;
  /** How many processes share the limits: each counts its share where there are no shared counters, or they are lost. */
  readonly replicas: number;
}

/** 50 requests a second per client, 500 at once, whatever they ask for. */
export const defaultRateLimitConfig: RateLimitConfig = {
  policies: [
    {
      name: 'client',
      by: 'caller',
      quota: { kind: 'token-bucket', limit: 500, windowMs: 10_000 },
      mode: 'enforce',
      onStoreLoss: 'local',
    },
  ],
  costs: {},
  replicas: 1,
};

/** 500 requests a second per address, 5,000 at once: many clients may share one, and a token costs 0.1 ms to verify. */
export const addressPolicy: RatePolicy = {
  name: 'address',
  by: 'address',
  quota: { kind: 'token-bucket', limit: 5_000, windowMs: 10_000 },
  mode: 'enforce',
  onStoreLoss: 'local',
};
