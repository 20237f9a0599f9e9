import type { AdminRoute } from '@ordermesh/service';
import type { RateLimits } from './rate-limits.ts';

/** `GET /limits` on the admin port: policies, costs, and whether the shared counters answer. */
export function limitsRoute(limits: RateLimits): AdminRoute {
  return {
    method: 'GET',
    path: '/limits',
    handle: () => ({ status: 200, body: limits.report() }),
  };
}
