import { createHash } from 'node:crypto';
import type { Append, EventStore } from '@ordermesh/event-sourcing';
import { createEventStore, createReader, createWriter } from '@ordermesh/event-store-postgres';
import { eventsPerOrder, fillOrders } from '../orders/fill-orders.ts';
import { makeLog, partitions } from '../postgres/log-database.ts';
import type { Contestant } from './contestant.ts';
import { data, type Work } from './workload.ts';

/** The event store of the command service, with its pools, through its port. */
export const ordermesh = ({ keys }: { readonly keys: boolean }): Contestant => ({
  name: keys ? 'ordermesh, idempotency keys' : 'ordermesh, no keys',
  settings: 'as the command service: readers’ pool 10, one writer, batches by themselves',
  async open(url) {
    const { caller, ...opened } = await openStore(url);
    return { ...opened, caller: (next) => caller(next, keys) };
  },
  async fill(client, events) {
    await fillOrders(client, { orders: events / eventsPerOrder, partitions });
    if (!keys) return;
    await client.query(
      `INSERT INTO idempotency (key, request_hash, response, partition, position)
       SELECT event_id, sha256(uuid_send(event_id)), $1, partition, position FROM events`,
      [response],
    );
  },
  stored: { events: 'events', dense: true, beside: keys ? ['idempotency'] : [] },
});

// As long as the answer to a command on an order of one item.
const response = Buffer.from(data + data);

/** The event store of the command service, connected. */
export interface OpenStore extends AsyncDisposable {
  readonly store: EventStore;
  /** A caller of its `append`. */
  caller(next: () => Work, keys: boolean): () => Promise<unknown>;
}

/** Connects to a database, which gets the log's schema if it has none. */
export async function openStore(url: string): Promise<OpenStore> {
  await makeLog(url);
  const pool = createReader({ url, max: 10, name: 'ordermesh-command' });
  const writer = createWriter({ url, name: 'ordermesh-command-writer' });
  const store = createEventStore({ pool, writer, partitions });
  return {
    store,
    caller: (next, keys) => () => appendWork(store, next(), keys),
    async [Symbol.asyncDispose]() {
      await Promise.all([pool.end(), writer.end()]);
    },
  };
}

/** Appends one event. @throws when it was not */
export async function appendWork(store: EventStore, work: Work, keys: boolean) {
  const outcome = await store.append(toAppend(work, keys));
  if (outcome.type !== 'appended') throw new Error(`not appended: ${outcome.type}`);
  return outcome;
}

function toAppend(work: Work, keys: boolean): Append {
  const { streamId, version, eventId } = work;
  const { actor, correlationId, traceparent } = work;
  const event = {
    ...{ eventId, type: work.type, schemaVersion: 1, occurredAt: new Date(), data: work.data },
    ...{ actor, correlationId, causationId: null, traceparent, tracestate: null },
  };
  const expected = version === 1 ? 'no_stream' : version - 1;
  if (!keys) return { streamId, expected, events: [event] };
  const hash = createHash('sha256').update(eventId).digest();
  const idempotency = { key: hash.subarray(0, 16), requestHash: hash, response };
  return { streamId, expected, events: [event], idempotency };
}
