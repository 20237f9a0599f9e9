import type { ServiceError } from '@grpc/grpc-js';
import { ReasonError } from '@ordermesh/contract';
import { describe, expect, test } from 'vitest';
import { failure, get, id, query } from '../test/served-query.ts';
import type { Admit } from './index.ts';

describe('admission', () => {
  test('gives its place back once, whatever the call ended with', async () => {
    let places = 0;
    const admit: Admit = async () => {
      places++;
      return () => places--;
    };
    const { channel } = await query(
      async ({ orderId }) => {
        expect(places).toBe(1);
        if (orderId !== id) throw new ReasonError('ORDER_NOT_FOUND', 'none');
        return {};
      },
      5_000,
      { admit },
    );
    await get(channel);
    await failure(get(channel, {}, 'no id'));
    await failure(get(channel, {}, '00000000-0000-4000-8000-000000000000'));
    expect(places).toBe(0);
  });

  test('comes before the request is even decoded, and its error is the answer', async () => {
    const refusal = new ReasonError('RATE_LIMITED', 'too fast', {
      retryAfterMs: 1200,
      metadata: { policies: 'minute' },
    });
    const seen: string[] = [];
    const admit: Admit = async (method, { clientAddress }) => {
      seen.push(`${method.name} ${clientAddress}`);
      throw refusal;
    };
    const { channel } = await query(() => Promise.reject(new Error('called')), 5_000, { admit });
    const error = await failure(get(channel, {}, 'no id'));
    expect(error).toMatchObject({ reason: 'RATE_LIMITED', retryAfterMs: 1200 });
    expect(seen).toEqual(['GetOrder 127.0.0.1']);
    const { metadata } = error.cause as ServiceError;
    expect(metadata.get('grpc-retry-pushback-ms')).toEqual(['1200']);
  });

  test.each([
    ['the gateway', 'ordermesh-gateway', '10.1.2.3'],
    ['anybody else', 'ordermesh-projector', '127.0.0.1'],
  ])('believes %s about whom it calls for, or not', async (_, serviceName, expected) => {
    const clients: string[] = [];
    const admit: Admit = async (_method, { clientAddress }) => {
      clients.push(clientAddress);
      return undefined;
    };
    const { channel } = await query(async () => ({}), 5_000, { admit, serviceName });
    await get(channel, { metadata: { 'ordermesh-client': '10.1.2.3' } });
    expect(clients).toEqual([expected]);
  });
});
