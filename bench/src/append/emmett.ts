import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import type { Contestant } from './contestant.ts';
import { data, filledLength, filledStreams, type } from './workload.ts';

/** The event store of the same field in the same language. */
export const emmett: Contestant = {
  name: 'emmett-postgresql',
  settings: '0.42.0, defaults: its own pool, a transaction per append, no outbox, no keys',
  async open(url) {
    const store = getPostgreSQLEventStore(url);
    await store.schema.migrate();
    return {
      caller: (next) => async () => {
        const { streamId, version, actor, correlationId, traceparent, ...work } = next();
        const metadata = { actor, correlationId, traceparent };
        const event = { type: work.type, data: JSON.parse(work.data), metadata };
        await store.appendToStream(streamId, [event], {
          expectedStreamVersion: BigInt(version - 1),
        });
      },
      [Symbol.asyncDispose]: () => store.close(),
    };
  },
  async fill(client, events) {
    const streams = filledStreams(events);
    await client.query(
      `INSERT INTO emt_messages (
         stream_id, stream_position, partition, message_data, message_metadata, message_schema_version, message_type, message_id, transaction_id)
       SELECT id, version, 'emt:default', $4, '{"actor": {"subject": "anonymous", "service": "gateway"}}', '1', $3, uuidv7(), pg_current_xact_id()
       FROM unnest($1::text[]) AS s (id), generate_series(1, $2::integer) AS version`,
      [streams, filledLength, type, data],
    );
    await client.query(
      `INSERT INTO emt_streams (stream_id, stream_position, partition, stream_type, stream_metadata)
       SELECT id, $2, 'emt:default', 'emt:unknown', '{}' FROM unnest($1::text[]) AS s (id)`,
      [streams, filledLength],
    );
  },
  stored: {
    events:
      '(SELECT stream_id, stream_position AS version, global_position AS position FROM emt_messages)',
    dense: false,
    beside: [],
  },
};
