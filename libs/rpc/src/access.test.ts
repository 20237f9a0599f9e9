import { ReasonError } from '@ordermesh/contract';
import { describe, expect, test } from 'vitest';
import { failure, get, id, query } from '../test/served-query.ts';
import type { Access, CallContext } from './index.ts';

const ann = { subject: 'ann', scopes: new Set(['orders:read']) };

/** Lets everybody in as Ann, by the process that `proof` says. */
const asAnn = (service: string, change: Partial<Access> = {}): Access => ({
  authenticate: async () => ({ principal: ann, service }),
  authorise: () => undefined,
  ...change,
});

/** The context that the handler of a call gets, which says that it comes from the gateway. */
async function seen(access: Access | undefined): Promise<CallContext> {
  let context: CallContext | undefined;
  const handler = async (_request: unknown, call: CallContext) => {
    context = call;
    return {};
  };
  const { channel } = await query(handler, 5_000, { access, serviceName: 'ordermesh-gateway' });
  await get(channel, { metadata: { 'ordermesh-client': '10.1.2.3' } });
  if (context === undefined) throw new Error('not called');
  return context;
}

describe('a handler', () => {
  test('gets what the tokens prove, not what the caller says of itself', async () => {
    expect(await seen(asAnn(''))).toMatchObject({
      caller: { subject: 'ann', service: '' },
      principal: ann,
      clientAddress: '127.0.0.1',
    });
  });

  test('hears from the gateway for whom it calls, once it is proven that it is the gateway', async () => {
    expect(await seen(asAnn('ordermesh-gateway'))).toMatchObject({
      caller: { subject: 'ann', service: 'ordermesh-gateway' },
      clientAddress: '10.1.2.3',
    });
  });

  test('has no principal while authentication is off', async () => {
    const { caller, principal } = await seen(undefined);
    expect([caller.subject, principal]).toEqual(['anonymous', undefined]);
  });
});

describe('access', () => {
  const notCalled = () => Promise.reject(new Error('called'));

  test('is decided before the request is decoded: without a token nobody learns what is wrong with it', async () => {
    const refusal = new ReasonError('UNAUTHENTICATED', 'no token');
    const admitted: string[] = [];
    const { channel } = await query(notCalled, 5_000, {
      access: asAnn('', { authenticate: () => Promise.reject(refusal) }),
      admit: async ({ name }) => void admitted.push(name),
    });
    expect(await failure(get(channel, {}, 'no id'))).toMatchObject({ reason: 'UNAUTHENTICATED' });
    expect(admitted).toEqual([]);
  });

  test('is limited by who calls, also for those who are denied', async () => {
    let places = 0;
    const callers: string[] = [];
    const { channel } = await query(notCalled, 5_000, {
      access: asAnn('', {
        authorise: () => {
          throw new ReasonError('FORBIDDEN', 'not you');
        },
      }),
      admit: async (_method, { principal }) => {
        callers.push(principal?.subject ?? '');
        places++;
        return () => places--;
      },
    });
    expect(await failure(get(channel, {}, id))).toMatchObject({ reason: 'FORBIDDEN' });
    expect([callers, places]).toEqual([['ann'], 0]);
  });
});

test('a channel proves with each call whose it is', async () => {
  const proofs: (readonly string[])[] = [];
  const handler = async (_request: unknown, call: CallContext) => {
    proofs.push(call.metadata('ordermesh-service-token'));
    return {};
  };
  let serial = 0;
  const identify = async () => ({ 'ordermesh-service-token': `proof-${++serial}` });
  const { channel } = await query(handler, 5_000, { identify });
  await get(channel);
  await get(channel);
  expect(proofs).toEqual([['proof-1'], ['proof-2']]);
});

test('a call whose caller leaves while it is being proven is not made', async () => {
  let calls = 0;
  const handler = async () => {
    calls++;
    return {};
  };
  const leaving = new AbortController();
  const identify = async () => {
    leaving.abort();
    return {};
  };
  const { channel } = await query(handler, 5_000, { identify });
  const error = await failure(get(channel, { signal: leaving.signal }));
  expect([error.reason, calls]).toEqual(['CANCELLED', 0]);
});
