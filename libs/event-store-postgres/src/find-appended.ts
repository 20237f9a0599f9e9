import type { Append, AppendOutcome } from '@ordermesh/event-sourcing';
import { read } from '@ordermesh/postgres';
import type { Pool } from 'pg';

// By stream, because no index has the event id; from the newest backwards, so that what is there is found at once.
const findSql = `
  SELECT c.ordinal::integer - 1 AS index, e.version, e.partition, e.position
  FROM unnest($1::uuid[], $2::uuid[], $3::integer[]) WITH ORDINALITY AS c (stream_id, event_id, after, ordinal)
  CROSS JOIN LATERAL (
    SELECT version, partition, position FROM events
    WHERE stream_id = c.stream_id AND version > c.after AND event_id = c.event_id ORDER BY version DESC LIMIT 1
  ) e`;

/**
 * Which commands are in the log, told by their last events' ids, with the outcome that their callers never got; undefined at the others' places.
 * @throws the driver's error, or the signal's reason
 */
export async function findAppended(
  pool: Pool,
  commands: readonly Append[],
  signal: AbortSignal,
): Promise<readonly (AppendOutcome | undefined)[]> {
  const values = [
    commands.map(({ streamId }) => streamId),
    commands.map(({ events }) => events.at(-1)?.eventId),
    commands.map(({ expected }) => (typeof expected === 'number' ? expected : 0)),
  ];
  type Row = { index: number; version: number; partition: number; position: string };
  const { rows } = await read<Row>(pool, { text: findSql, values }, signal);
  const found = new Array<AppendOutcome | undefined>(commands.length).fill(undefined);
  for (const { index, version, partition, position } of rows)
    found[index] = { type: 'appended', version, partition, position: BigInt(position) };
  return found;
}
