/**
 * How much a client may do.
 *
 * - `sliding-window` never admits more than `limit` in any stretch of `windowMs`. It counts in 60 buckets of a window and keeps 61, so that it errs
 *   against the client: what was admitted comes free up to 1/60 of the window late.
 * - `token-bucket` admits at most `limit + limit / windowMs × t` in any stretch of `t` ms: a burst of `limit`, refilled evenly within
 *   `windowMs`.
 *
 * The usual two-counter "sliding window" is neither: with a limit of 100 a minute it admitted 199 in one, as does a token bucket of that size.
 */
export interface Quota {
  readonly kind: 'sliding-window' | 'token-bucket';
  /** In units of cost; a request costs 1 unless said otherwise. */
  readonly limit: number;
  readonly windowMs: number;
}

/** Buckets that a sliding window is counted in. */
export const bucketsPerWindow = 60;

/** How long a token bucket takes to refill one, in whole µs, so that limiters count in integers: up to 1 µs per token late, and at most one a µs. */
export const tokenMicros = ({ limit, windowMs }: Quota): number =>
  Math.ceil((windowMs * 1000) / limit);

/** One quota to charge, on behalf of one client. */
export interface Charge {
  readonly quota: Quota;
  /** Whose: the quota's name and the client, since two quotas of one client are counted apart. */
  readonly key: string;
  readonly cost: number;
}

/** Where one charge's quota stands after the decision. */
export interface Standing {
  /** What is left now. */
  readonly remaining: number;
  /** Milliseconds until the whole quota is back; of a quota that refused, until this charge would pass. */
  readonly resetMs: number;
  /** Whether this quota is a reason for the refusal. */
  readonly isViolated: boolean;
}

/** What became of a request's charges. */
export interface Verdict {
  /** Then all of them are charged, otherwise none is. */
  readonly isAllowed: boolean;
  /** Milliseconds after which they would all pass if nobody else came; 0 when allowed; Infinity when a cost exceeds its limit. */
  readonly retryAfterMs: number;
  /** In the order of the charges; undefined for one that was not looked at because another was known to refuse. */
  readonly standings: readonly (Standing | undefined)[];
  /** True when the counters that all processes share were lost, and this process decided alone. */
  readonly isLocal?: boolean;
}

/**
 * Counts. Guarantees: the charges of one call are taken all or none, atomically with regard to every other call on the same counters; a refusal
 * costs nothing; the clock is the counters' own, never the caller's.
 */
export interface Limiter {
  /** @throws when the counters cannot be reached; whether the charges were taken is then unknown */
  take(charges: readonly Charge[]): Promise<Verdict>;
}
