import { describe, expect, test } from 'vitest';
import { admitCalls } from './admit-calls.ts';
import type { RateLimitedRequest } from './rate-limits.ts';

/** What the limits are asked about for one call. */
async function asked(
  call: Parameters<ReturnType<typeof admitCalls>>[1],
  service = 'orders.QueryService',
): Promise<readonly RateLimitedRequest[]> {
  const requests: RateLimitedRequest[] = [];
  const admit = async (request: RateLimitedRequest) => {
    requests.push(request);
    return { refusal: undefined, headers: {} };
  };
  const admitted = admitCalls({ admit, report: () => undefined }, ['orders.LogService']);
  await admitted({ name: 'SearchOrders', parent: { typeName: service } }, call);
  return requests;
}

const clientAddress = '10.0.0.1';

describe('a call counts as', () => {
  test('that of its user, where it is known', async () => {
    expect(await asked({ clientAddress, principal: { subject: 'ann' } })).toEqual([
      { address: clientAddress, caller: 'ann', route: 'search' },
    ]);
  });

  test('that of its address while authentication is off', async () => {
    expect(await asked({ clientAddress })).toEqual([
      { address: clientAddress, caller: undefined, route: 'search' },
    ]);
  });

  test('nobody’s when a process makes it for itself', async () => {
    const principal = { subject: 'service:projector', service: 'projector' };
    expect(await asked({ clientAddress, principal })).toEqual([]);
    expect(await asked({ clientAddress }, 'orders.LogService')).toEqual([]);
  });
});
