import { type Append, type AppendOutcome, namesVersion } from '@ordermesh/event-sourcing';
import type { QueryConfig, QueryResultRow } from 'pg';
import { decodeOutcome, type OutcomeRow } from './decode-outcome.ts';
import { encodeBatch } from './encode-command.ts';

/** A command with the array elements that it is sent as: {@link encodeCommand}. */
export interface EncodedCommand {
  readonly command: Append;
  readonly bytes: Buffer;
  /** Of its stream. */
  readonly partition: number;
}

/** How a batch is sent, and its answer read. */
export interface AppendStatement {
  readonly statement: QueryConfig;
  /** Undefined: nothing was stored, because of something that only `append_batch` can name. */
  outcomesOf(rows: QueryResultRow[]): readonly AppendOutcome[] | undefined;
}

/**
 * The SQL function for a batch: `append_one` for one row, else `append_all`, which stores it whole or not at all, or `append_batch`, which judges command by
 * command.
 * @param rowType object id of `append_row`
 * @param judged not `append_all`
 */
export function appendStatement(
  batch: readonly EncodedCommand[],
  rowType: number,
  judged: boolean,
): AppendStatement {
  const rows = batch.reduce((sum, { command }) => sum + command.events.length, 0);
  const elements = batch.map(({ bytes }) => bytes);
  const values = [encodeBatch(elements, rows, rowType)];
  if (rows > 1 && !judged && batch.every(({ command }) => namesVersion(command.expected))) {
    return {
      statement: { name: 'append_all', text: 'SELECT append_all($1) AS head', values },
      outcomesOf: ([row]) => (row?.head === null ? undefined : stored(batch, row?.head)),
    };
  }
  const name = rows === 1 ? 'append_one' : 'append_batch';
  return {
    statement: { name, text: `SELECT * FROM ${name}($1)`, values },
    outcomesOf: (answered) => (answered as OutcomeRow[]).map(decodeOutcome),
  };
}

/** The outcomes of a batch whose first event is behind the position `head`. */
function stored(batch: readonly EncodedCommand[], head: string): AppendOutcome[] {
  let position = BigInt(head);
  return batch.map(({ command: { expected, events }, partition }) => {
    position += BigInt(events.length);
    const before = typeof expected === 'number' ? expected : 0;
    return { type: 'appended', version: before + events.length, partition, position };
  });
}
