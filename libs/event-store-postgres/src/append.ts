import { partitionOf } from '@ordermesh/contract';
import type { Append, AppendOutcome } from '@ordermesh/event-sourcing';
import { isDataError, isSerialization, query } from '@ordermesh/postgres';
import type { Pool } from 'pg';
import { decodeOutcome, encodeBatch, type OutcomeRow } from './append-batch.ts';
import { unstorable } from './event-limits.ts';
import { dataError, writeError } from './store-error.ts';

/** How often a batch is sent that the server rolls back for reasons of concurrency. */
const attempts = 3;

/**
 * Appends a batch by one call of `append_batch`, in autocommit. A command that cannot be stored fails alone: what can be seen before is not sent, and
 * a batch whose data the database refuses is sent again one by one.
 */
export async function append(
  writer: Pool,
  partitions: number,
  batch: readonly Append[],
): Promise<readonly AppendOutcome[]> {
  const errors = batch.map(unstorable);
  const storable = batch.filter((_, index) => errors[index] === undefined);
  const stored = (await appendStorable(writer, partitions, storable)).values();
  return errors.map((error) => (error === undefined ? next(stored) : { type: 'failed', error }));
}

async function appendStorable(
  writer: Pool,
  partitions: number,
  batch: readonly Append[],
): Promise<readonly AppendOutcome[]> {
  const [first] = batch;
  if (first === undefined) return [];
  try {
    return await send(writer, partitions, batch);
  } catch (error) {
    if (!isDataError(error)) throw writeError(error);
    if (batch.length === 1) return [{ type: 'failed', error: dataError(error) }];
  }
  const outcomes: AppendOutcome[] = [];
  for (const command of batch) {
    outcomes.push(...(await appendStorable(writer, partitions, [command])));
  }
  return outcomes;
}

async function send(
  writer: Pool,
  partitions: number,
  batch: readonly Append[],
): Promise<readonly AppendOutcome[]> {
  const values = [encodeBatch(batch, (streamId) => partitionOf(streamId, partitions))];
  const statement = {
    name: 'append_batch',
    text: 'SELECT append_batch($1::jsonb) AS outcomes',
    values,
  };
  for (let attempt = 1; ; attempt++) {
    try {
      const { rows } = await query<{ outcomes: readonly OutcomeRow[] }>(writer, statement);
      return rows[0]?.outcomes.map(decodeOutcome) ?? [];
    } catch (error) {
      if (!isSerialization(error) || attempt === attempts) throw error;
    }
  }
}

function next(outcomes: Iterator<AppendOutcome>): AppendOutcome {
  const { value } = outcomes.next();
  if (value === undefined)
    throw new Error('append_batch returned fewer outcomes than it got commands');
  return value;
}
