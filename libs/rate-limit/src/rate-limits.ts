import { ReasonError } from '@ordermesh/contract';
import { counter } from '@ordermesh/telemetry';
import { addressKey } from './client-address.ts';
import { type AppliedPolicy, rateLimitHeaders } from './headers.ts';
import type { RateLimitConfig, RatePolicy, RouteClass } from './policy.ts';
import type { Charge, Limiter, Verdict } from './quota.ts';

/** Who asks for what. */
export interface RateLimitedRequest {
  /** Of the client, see `clientAddress`. */
  readonly address: string;
  /** The authenticated subject; undefined while callers do not authenticate: then it is the address. */
  readonly caller?: string | undefined;
  readonly route: RouteClass;
  /** Only the policies that count by this: `address` is known before callers are, `caller` only after. All by default. */
  readonly by?: 'address' | 'caller';
}

/** What became of a request. */
export interface Admission {
  /**
   * Why it is refused: RATE_LIMITED with `retryAfterMs` and the names of the violated policies in `metadata.policies`; COST_EXCEEDS_LIMIT when it costs
   * more than a limit; DEPENDENCY_UNAVAILABLE when a policy that fails closed cannot be looked up. Undefined when it is admitted.
   */
  readonly refusal: ReasonError | undefined;
  /** `RateLimit` and `RateLimit-Policy`, for both outcomes. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The limits of one process. */
export interface RateLimits {
  admit(request: RateLimitedRequest): Promise<Admission>;
  /** What `GET /limits` shows. */
  report(): unknown;
}

/** Where the counters are. */
export interface Counters {
  readonly limiter: Limiter;
  /** Whether the counters that all processes share answer; false where there are none. */
  isShared(): boolean;
}

const decisions = counter('ratelimit.decisions', {
  description: 'Requests judged, by policy and decision (allowed, denied, shadow_denied).',
  unit: '{request}',
});

/**
 * Holds clients to a configuration's policies. Enforced policies are charged together, all or none; those in shadow mode by themselves, after the
 * request was admitted.
 * @param scope which clients are counted together, `gateway`: begins every key
 */
export function rateLimits(scope: string, config: RateLimitConfig, counters: Counters): RateLimits {
  const { limiter, isShared } = counters;
  for (const { name, mode } of config.policies) {
    if (mode === 'off') continue;
    decisions.add(0, { policy: name, decision: 'allowed' });
    decisions.add(0, { policy: name, decision: mode === 'enforce' ? 'denied' : 'shadow_denied' });
  }
  const applying = (mode: RatePolicy['mode'], { route, by }: RateLimitedRequest) =>
    config.policies.filter(
      (policy) =>
        policy.mode === mode &&
        (policy.routes?.includes(route) ?? true) &&
        (by === undefined || (policy.by === 'address') === (by === 'address')),
    );
  const chargeOf = (policy: RatePolicy, request: RateLimitedRequest): Charge => ({
    quota: policy.quota,
    key: `${scope}:${policy.name}:${subjectOf(policy, request)}`,
    cost: config.costs[request.route] ?? 1,
  });
  const judge = (policies: readonly RatePolicy[], request: RateLimitedRequest) =>
    limiter.take(policies.map((policy) => chargeOf(policy, request)));

  async function shadow(request: RateLimitedRequest): Promise<void> {
    for (const policy of applying('shadow', request)) {
      const { isAllowed } = await judge([policy], request);
      decisions.add(1, { policy: policy.name, decision: isAllowed ? 'allowed' : 'shadow_denied' });
    }
  }

  return {
    async admit(request) {
      const policies = applying('enforce', request);
      if (policies.length === 0) {
        await shadow(request);
        return { refusal: undefined, headers: {} };
      }
      const verdict = await judge(policies, request);
      if (verdict.isLocal && policies.some(({ onStoreLoss }) => onStoreLoss === 'closed'))
        return { refusal: lost(), headers: {} };
      if (verdict.isAllowed) await shadow(request);
      const applied = policies.map((policy, index): AppliedPolicy => {
        const standing = verdict.standings[index];
        const decision = standing?.isViolated ? 'denied' : 'allowed';
        if (verdict.isAllowed || standing?.isViolated)
          decisions.add(1, { policy: policy.name, decision });
        return { policy, standing };
      });
      const refusal = verdict.isAllowed ? undefined : refused(applied, verdict);
      return { refusal, headers: rateLimitHeaders(applied) };
    },
    report: () => ({
      store: isShared() ? 'shared' : 'local',
      policies: config.policies,
      costs: config.costs,
      replicas: config.replicas,
    }),
  };
}

/** Clients are named by a prefix that says what they are, so that no caller can choose an address as its name. */
function subjectOf({ by }: RatePolicy, { address, caller, route }: RateLimitedRequest): string {
  const byAddress = `a:${addressKey(address)}`;
  if (by === 'address') return byAddress;
  const who = caller === undefined ? byAddress : `c:${caller}`;
  return by === 'caller' ? who : `${route}:${who}`;
}

function refused(applied: readonly AppliedPolicy[], { retryAfterMs }: Verdict): ReasonError {
  const violated = applied.filter(({ standing }) => standing?.isViolated);
  const metadata = { policies: violated.map(({ policy }) => policy.name).join(',') };
  if (!Number.isFinite(retryAfterMs))
    return new ReasonError(
      'COST_EXCEEDS_LIMIT',
      'This request costs more than its limit ever allows: ask for less.',
      { metadata },
    );
  return new ReasonError(
    'RATE_LIMITED',
    `Too many requests: try again in ${Math.ceil(retryAfterMs / 1000)} s.`,
    { metadata, retryAfterMs },
  );
}

const lost = () =>
  new ReasonError(
    'DEPENDENCY_UNAVAILABLE',
    'Whether this request is within its limit cannot be told at the moment: try again.',
    { retryAfterMs: 1000 },
  );
