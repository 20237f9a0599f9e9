import type { AdminRoute } from '@ordermesh/service';
import type { Policy } from './policy.ts';

/**
 * Routes of the admin port: `GET /breakers` shows every circuit; `POST /breakers/{name}/isolate` holds one open, e.g. while its dependency is
 * being mended, and `/release` lets it go. Those that change something answer this machine only.
 */
export function breakerRoutes(policies: readonly Policy[]): readonly AdminRoute[] {
  const shown = (policy: Policy) => ({
    name: policy.name,
    state: policy.state(),
    isolated: policy.isIsolated(),
  });
  const changing = (policy: Policy, verb: 'isolate' | 'release'): AdminRoute => ({
    method: 'POST',
    path: `/breakers/${policy.name}/${verb}`,
    loopbackOnly: true,
    handle() {
      policy[verb]();
      return { status: 200, body: shown(policy) };
    },
  });
  return [
    {
      method: 'GET',
      path: '/breakers',
      handle: () => ({ status: 200, body: { breakers: policies.map(shown) } }),
    },
    ...policies.flatMap((policy) => [changing(policy, 'isolate'), changing(policy, 'release')]),
  ];
}
