import { expect, it } from 'vitest';
import { breakerRoutes } from './breaker-routes.ts';
import { policy } from './policy.ts';

const guard = (name: string) =>
  policy({ name, timeoutMs: 100, failureThreshold: 3, openMs: 100, maxConcurrent: 1 });

it('shows every circuit, and holds one open until it is let go', async () => {
  const routes = breakerRoutes([guard('customer'), guard('query')]);
  const call = async (method: string, path: string) => {
    const route = routes.find((one) => one.method === method && one.path === path);
    return (await route?.handle(undefined))?.body;
  };
  const customer = { name: 'customer', state: 'closed', isolated: false };
  const query = { ...customer, name: 'query' };
  expect(await call('GET', '/breakers')).toEqual({ breakers: [customer, query] });
  const held = { name: 'query', state: 'open', isolated: true };
  expect(await call('POST', '/breakers/query/isolate')).toEqual(held);
  expect(await call('GET', '/breakers')).toEqual({ breakers: [customer, held] });
  expect(await call('POST', '/breakers/query/release')).toEqual(query);
});

it('lets this machine only change anything', () => {
  const changing = breakerRoutes([guard('customer')]).filter(({ method }) => method === 'POST');
  expect(changing.map(({ loopbackOnly }) => loopbackOnly)).toEqual([true, true]);
});
