import { createHash } from 'node:crypto';
import { partitionOf } from '@ordermesh/contract';
import type { Append } from '@ordermesh/event-sourcing';
import { createEventStore, logMigrations, openLog } from '@ordermesh/event-store-postgres';
import { createPool, databaseOf, migrate } from '@ordermesh/postgres';
import type { Contestant } from './contestant.ts';
import { data, streamLength, type, type Work } from './workload.ts';

export const partitions = 12;

/** The event store of the command service, with its pools, through its port. */
export const ordermesh = ({ keys }: { readonly keys: boolean }): Contestant => ({
  name: keys ? 'ordermesh, idempotency keys' : 'ordermesh, no keys',
  settings: 'as the command service: readers’ pool 10, writer’s 2',
  async open(url) {
    const database = databaseOf(url) ?? '';
    await migrate({ url, directory: logMigrations, database }, AbortSignal.timeout(30_000));
    const pool = createPool({ url, max: 10, name: 'ordermesh-command' });
    const writer = createPool({ url, max: 2, name: 'ordermesh-command-writer' });
    await openLog(pool, partitions);
    const store = createEventStore({ pool, writer, partitions });
    return {
      caller: (next) => async () => {
        const [outcome] = await store.append([toAppend(next(), keys)]);
        if (outcome?.type !== 'appended') throw new Error(`not appended: ${outcome?.type}`);
      },
      async [Symbol.asyncDispose]() {
        await Promise.all([pool.end(), writer.end()]);
      },
    };
  },
  async fill(client, streams) {
    await client.query(
      `INSERT INTO events (
         position, stream_id, version, partition, schema_version, type, event_id, occurred_at, actor_subject, actor_service, data)
       SELECT (s.ordinal - 1) * $3 + version, s.id, version, s.partition, 1, $4, uuidv7(), now(), 'anonymous', 'gateway', $5
       FROM unnest($1::uuid[], $2::smallint[]) WITH ORDINALITY AS s (id, partition, ordinal), generate_series(1, $3::integer) AS version`,
      [streams, streams.map((id) => partitionOf(id, partitions)), streamLength, type, data],
    );
    if (!keys) return;
    await client.query(
      `INSERT INTO idempotency (key, request_hash, response, partition, position)
       SELECT uuid_send(event_id), sha256(uuid_send(event_id)), $1, partition, position FROM events`,
      [response],
    );
  },
  stored: { events: 'events', dense: true, beside: keys ? ['idempotency'] : [] },
});

// As long as the answer to a command on an order of one item.
const response = Buffer.from(data + data);

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
