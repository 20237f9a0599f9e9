import type { Client } from 'pg';
import type { Stored } from './contestant.ts';

/** What a database holds before a run. */
export interface Before {
  readonly events: number;
  /** Position of the last event. */
  readonly head: bigint;
  readonly beside: readonly number[];
}

/** Looks at it. */
export async function countStored(client: Client, stored: Stored): Promise<Before> {
  const { events, head } = await totals(client, stored);
  return { events, head, beside: await besides(client, stored) };
}

/**
 * The correctness oracle: what was acknowledged is stored once, with all that belongs to it, in streams without a gap.
 * @param acknowledged events since `before`
 * @throws Error naming what is wrong: a fast run that lost something has no figure
 */
export async function checkStored(
  client: Client,
  stored: Stored,
  before: Before,
  acknowledged: number,
): Promise<void> {
  const { events, head } = await totals(client, stored);
  const faults = [];
  const added = events - before.events;
  if (added !== acknowledged)
    faults.push(`${acknowledged} events acknowledged, ${added} of them stored`);
  if (stored.dense && BigInt(events) !== head)
    faults.push(`${events} events, but the last position is ${head}`);
  const { rows } = await client.query<{ broken: unknown }>(
    `SELECT count(*) AS broken FROM (
      SELECT FROM ${stored.events} AS log WHERE position > $1 GROUP BY stream_id
      HAVING min(version) <> 1 OR max(version) <> count(*) OR count(DISTINCT version) <> count(*)) AS streams`,
    [before.head],
  );
  // emmett makes node-postgres parse bigint, for the whole process: it may be a string or not.
  const broken = Number(rows[0]?.broken);
  if (broken !== 0) faults.push(`${broken} streams have a gap`);
  const beside = await besides(client, stored);
  for (const [index, table] of stored.beside.entries()) {
    const rowsAdded = (beside[index] ?? 0) - (before.beside[index] ?? 0);
    if (rowsAdded !== acknowledged) faults.push(`${table} got ${rowsAdded} rows`);
  }
  if (faults.length > 0) throw new Error(`the run is void: ${faults.join('; ')}`);
}

async function totals(client: Client, { events }: Stored) {
  const text = `SELECT count(*) AS events, coalesce(max(position), 0) AS head FROM ${events} AS log`;
  const { rows } = await client.query<{ events: unknown; head: string | bigint }>(text);
  return { events: Number(rows[0]?.events), head: BigInt(rows[0]?.head ?? 0) };
}

async function besides(client: Client, { beside }: Stored): Promise<number[]> {
  const counts: number[] = [];
  for (const table of beside) {
    const { rows } = await client.query<{ count: unknown }>(`SELECT count(*) FROM ${table}`);
    counts.push(Number(rows[0]?.count));
  }
  return counts;
}
