import pg from 'pg';
import type { Contestant } from './contestant.ts';
import { data, filledLength, filledStreams, type, type Work } from './workload.ts';

const schema = `
  CREATE TABLE IF NOT EXISTS events (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stream_id uuid NOT NULL, version integer NOT NULL, type text NOT NULL,
    event_id uuid NOT NULL, occurred_at timestamptz NOT NULL DEFAULT now(), metadata jsonb NOT NULL, data jsonb NOT NULL, UNIQUE (stream_id, version));
  CREATE TABLE IF NOT EXISTS outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stream_id uuid NOT NULL, payload jsonb NOT NULL);`;

const insertEvent = {
  name: 'event',
  text: 'INSERT INTO events (stream_id, version, type, event_id, metadata, data) VALUES ($1, $2, $3, $4, $5, $6)',
};

const eventValues = ({ actor, correlationId, traceparent, ...work }: Work) => {
  const metadata = JSON.stringify({ actor, correlationId, traceparent });
  return [work.streamId, work.version, work.type, work.eventId, metadata, work.data];
};

/** What one writes first: one transaction per command, the outbox beside the events. */
export const naive: Contestant = {
  name: 'naive transaction',
  settings:
    'BEGIN, SELECT max(version), INSERT event, INSERT outbox, COMMIT; prepared; pool 16; no keys',
  async open(url) {
    const pool = await openPool(url);
    return {
      caller: (next) => async () => {
        const work = next();
        const client = await pool.connect();
        try {
          await client.query({ name: 'begin', text: 'BEGIN' });
          const { rows } = await client.query<{ version: number }>({
            name: 'version',
            text: 'SELECT coalesce(max(version), 0) AS version FROM events WHERE stream_id = $1',
            values: [work.streamId],
          });
          if (rows[0]?.version !== work.version - 1) throw new Error('version conflict');
          await client.query({ ...insertEvent, values: eventValues(work) });
          await client.query({
            name: 'outbox',
            text: 'INSERT INTO outbox (stream_id, payload) VALUES ($1, $2)',
            values: [work.streamId, work.data],
          });
          await client.query({ name: 'commit', text: 'COMMIT' });
        } finally {
          client.release();
        }
      },
      [Symbol.asyncDispose]: () => pool.end(),
    };
  },
  async fill(client, events) {
    await fillEvents(client, events);
    await client.query(
      'INSERT INTO outbox (stream_id, payload) SELECT stream_id, data FROM events',
    );
  },
  stored: { events: 'events', dense: false, beside: ['outbox'] },
};

/** The least that makes one event durable: the floor of what a single caller waits for. */
export const singleInsert: Contestant = {
  name: 'single INSERT',
  settings: 'one prepared INSERT in autocommit, no version looked up, no outbox, no key',
  callersFor: (callers) => (callers === 1 ? 1 : 0),
  async open(url) {
    const pool = await openPool(url);
    return {
      caller: (next) => () => pool.query({ ...insertEvent, values: eventValues(next()) }),
      [Symbol.asyncDispose]: () => pool.end(),
    };
  },
  fill: fillEvents,
  stored: { events: 'events', dense: false, beside: [] },
};

async function openPool(url: string): Promise<pg.Pool> {
  const pool = new pg.Pool({ connectionString: url, max: 16 });
  await pool.query(schema);
  return pool;
}

async function fillEvents(client: pg.Client, events: number): Promise<void> {
  const streams = filledStreams(events);
  await client.query(
    `INSERT INTO events (stream_id, version, type, event_id, metadata, data)
     SELECT id, version, $3, uuidv7(), '{"actor": {"subject": "anonymous", "service": "gateway"}}', $4
     FROM unnest($1::uuid[]) AS s (id), generate_series(1, $2::integer) AS version`,
    [streams, filledLength, type, data],
  );
}
