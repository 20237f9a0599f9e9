import { randomUUID } from 'node:crypto';

/** An answer of the gateway. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever came
  readonly body: any;
}

/** Calls the gateway over REST; a body that is no string is sent as JSON. `signal` gives up. */
export async function rest(
  base: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Reply> {
  const response = await fetch(base + path, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(signal && { signal }),
  });
  const text = await response.text();
  const json = /json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    body: json ? JSON.parse(text) : text,
  };
}

/** A valid CreateOrder request: 2 × 12.50 USD, unless changed. */
export function orderRequest(change: Record<string, unknown> = {}) {
  return {
    customerId: randomUUID(),
    items: [
      {
        productId: randomUUID(),
        productName: 'Green tea',
        quantity: 2,
        unitPrice: { currencyCode: 'USD', minorUnits: '1250' },
      },
    ],
    shippingAddress: {
      recipient: 'Ada Lovelace',
      line1: '12 St James’s Square',
      city: 'London',
      postalCode: 'SW1Y 4JH',
      countryCode: 'GB',
    },
    ...change,
  };
}

/** The amount that pays {@link orderRequest}. */
export const total = { currencyCode: 'USD', minorUnits: '2500' };
