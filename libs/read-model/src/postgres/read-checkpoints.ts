import { read } from '@ordermesh/postgres';
import type { Pool } from 'pg';
import { postgresProjection } from './projection.ts';

/** Checkpoints of some partitions, 0 where there is none yet. */
export async function readCheckpoints(
  pool: Pool,
  partitions: readonly number[],
  signal?: AbortSignal,
): Promise<Map<number, bigint>> {
  const text = `SELECT partition, position FROM projection_checkpoint
    WHERE projection = $1 AND partition = ANY($2::integer[])`;
  const values = [postgresProjection, [...partitions]];
  const statement = { name: 'order_view_checkpoints', text, values };
  const { rows } = await read<{ partition: number; position: string }>(pool, statement, signal);
  const found = new Map(partitions.map((partition) => [partition, 0n]));
  for (const row of rows) found.set(row.partition, BigInt(row.position));
  return found;
}
