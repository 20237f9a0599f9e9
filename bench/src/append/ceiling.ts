import { randomUUID } from 'node:crypto';
import { createPool } from '@ordermesh/postgres';
import { makeLog } from '../postgres/log-database.ts';
import type { Contestant } from './contestant.ts';
import { ordermesh } from './ordermesh.ts';
import { data, streamLength, type } from './workload.ts';

const eventsPerCall = 100;
const connections = 2;

/**
 * What the server can store into the log's own table when nobody asks anything of it: 100 rows per transaction that it makes itself, as pgbench would,
 * positions handed out by the client, no lock, no version, no key, next to nothing on the wire.
 */
export const ceiling: Contestant = {
  ...ordermesh({ keys: false }),
  name: 'ceiling',
  settings: `${eventsPerCall} rows per prepared INSERT … SELECT, made by the server; ${connections} connections`,
  eventsPerCall,
  callersFor: () => connections,
  async open(url) {
    await makeLog(url);
    const pool = createPool({ url, max: connections, name: 'bench-ceiling' });
    const { rows } = await pool.query('SELECT coalesce(max(position), 0) AS head FROM events');
    let head = Number(rows[0]?.head);
    return {
      caller: () => () => {
        const streams = Array.from({ length: eventsPerCall / streamLength }, () => randomUUID());
        const values = [streams, head, streamLength, type, data];
        head += eventsPerCall;
        return pool.query({ name: 'ceiling', text, values });
      },
      [Symbol.asyncDispose]: () => pool.end(),
    };
  },
};

const text = `
  INSERT INTO events (
    position, stream_id, version, partition, schema_version, type, event_id, occurred_at, actor_subject, actor_service, correlation_id,
    traceparent, data)
  SELECT $2::bigint + (s.ordinal - 1) * $3 + version, s.id, version, s.ordinal, 1, $4, uuidv7(), now(), 'anonymous', 'gateway', s.id,
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', $5
  FROM unnest($1::uuid[]) WITH ORDINALITY AS s (id, ordinal), generate_series(1, $3::integer) AS version`;
