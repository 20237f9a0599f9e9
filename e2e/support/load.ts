import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { orderRequest, rest, total } from './api.ts';
import { type Acknowledged, type Command, type Ledger, ledger } from './ledger.ts';
import type { Mesh } from './mesh.ts';

/** Concurrent writers that place orders and move them on, reading some of what they wrote. */
export interface Load extends Ledger, AsyncDisposable {
  /** Places an order and follows it until it is readable with its customer's name: every process of the mesh took part in that. */
  probe(): Promise<void>;
  /** Ends the writers, each after the answer to its last command. */
  stop(): Promise<void>;
}

/** Pause of a writer between two commands: four of them make some 60 commands a second, which leaves the machine to what is tested. */
const paceMs = 40;

/** Options of {@link startLoad}. */
export interface LoadOptions {
  /** How many write at the same time; default 4. */
  readonly writers?: number;
  /** Every second order is sent without idempotency keys. Default: none. */
  readonly halfWithoutKeys?: boolean;
}

/** Starts it, with one customer for each of its writers. Disposal stops it. */
export async function startLoad(
  mesh: Pick<Mesh, 'url'>,
  book: Ledger = ledger(mesh.url),
  { writers = 4, halfWithoutKeys = false }: LoadOptions = {},
): Promise<Load> {
  const stopped = new AbortController();
  const customers = await Promise.all(
    Array.from({ length: writers }, () => registered(mesh.url, stopped.signal)),
  );
  const running = customers.map(async (customerId, writer) => {
    for (let i = writer; !stopped.signal.aborted; i++) {
      const commands = journey(randomUUID(), customerId, i);
      const once = halfWithoutKeys && i % 2 === 1;
      await oneOrder(book, once ? commands.map(asOnce) : commands, i, stopped);
    }
  });
  const stop = async () => {
    stopped.abort();
    await Promise.all(running);
  };
  return {
    ...book,
    stop,
    [Symbol.asyncDispose]: stop,
    async probe() {
      const customerId = await registered(mesh.url, stopped.signal);
      const placed = await book.send(placing(randomUUID(), customerId));
      if (placed === undefined) throw new Error(`probe: ${book.faults.at(-1)}`);
      for (;;) {
        const seen = await book.read(placed);
        if (seen?.body.order.enrichment === 'ENRICHMENT_DONE') return;
        stopped.signal.throwIfAborted();
        await delay(25);
      }
    },
  };
}

async function oneOrder(
  book: Ledger,
  commands: readonly Command[],
  i: number,
  stopped: AbortController,
): Promise<void> {
  for (const command of commands) {
    if (stopped.signal.aborted) return;
    const done: Acknowledged | undefined = await book.send(command);
    if (done === undefined) return;
    if (command.version === 1 + (i % 5)) await book.read(done);
    await delay(paceMs);
  }
}

const asOnce = (command: Command): Command => ({ ...command, once: true });

/** Every fourth order is cancelled after it was confirmed, the others are delivered. */
function journey(orderId: string, customerId: string, i: number): readonly Command[] {
  const steps: readonly (readonly [string, string, unknown])[] =
    i % 4 === 3
      ? [
          ['confirm', 'OrderConfirmed', {}],
          ['cancel', 'OrderCancelled', { reason: 'changed my mind' }],
        ]
      : [
          ['confirm', 'OrderConfirmed', {}],
          ['pay', 'OrderPaid', { paymentId: `pay-${orderId}`, amount: total }],
          ['ship', 'OrderShipped', { trackingNumber: `1Z-${orderId}` }],
          ['deliver', 'OrderDelivered', {}],
        ];
  return [
    placing(orderId, customerId),
    ...steps.map(([verb, event, body], at) => ({
      orderId,
      version: at + 2,
      event,
      path: `/v1/orders/${orderId}/${verb}`,
      body,
    })),
  ];
}

/** The command that places an order under an id of the caller's choice. */
export function placing(orderId: string, customerId: string = randomUUID()): Command {
  const body = orderRequest({ orderId, customerId });
  return { orderId, version: 1, event: 'OrderCreated', path: '/v1/orders', body };
}

/** A new customer, registered as soon as that is possible. */
export async function registered(url: string, signal?: AbortSignal): Promise<string> {
  const customerId = randomUUID();
  const customer = { customerId, name: 'Ada Lovelace', email: 'ada@example.com' };
  for (;;) {
    const reply = await rest(url, 'POST', '/v1/customers', customer).catch(() => undefined);
    // 409: an attempt whose answer was lost had registered it.
    if (reply?.status === 201 || reply?.status === 409) return customerId;
    signal?.throwIfAborted();
    await delay(25);
  }
}
