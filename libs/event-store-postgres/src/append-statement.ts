import type { Append, AppendOutcome } from '@ordermesh/event-sourcing';
import type { QueryConfig, QueryResultRow } from 'pg';
import type { Backend } from './backend.ts';
import { decodeOutcome, type OutcomeRow } from './decode-outcome.ts';
import { encodeBatch } from './encode-command.ts';

/** A command with the array elements that it is sent as: {@link encodeCommand}. */
export interface EncodedCommand {
  readonly command: Append;
  readonly bytes: Buffer;
  /** That its events go to. */
  readonly partition: number;
}

/** How a batch is sent, and its answer read. */
export interface AppendStatement {
  readonly statement: QueryConfig;
  /** Whether one command that cannot be accepted fails it. */
  readonly allOrNothing: boolean;
  outcomesOf(rows: QueryResultRow[]): AppendOutcome[];
}

/**
 * The SQL function for a batch: `append_one` where it has one row, `append_all` where it looks as if nothing would be refused, or `append_batch`.
 * @param judged not `append_all`
 */
export function appendStatement(
  batch: readonly EncodedCommand[],
  backend: Backend,
  judged: boolean,
): AppendStatement {
  const rows = batch.reduce((sum, { command }) => sum + command.events.length, 0);
  const elements = batch.map(({ bytes }) => bytes);
  const parameter = encodeBatch(elements, rows, backend.rowType);
  if (rows > 1 && !judged && batch.every(namesVersion)) return all(batch, rows, parameter, backend);
  const name = rows === 1 ? 'append_one' : 'append_batch';
  return {
    statement: { name, text: `SELECT * FROM ${name}($1)`, values: [parameter] },
    allOrNothing: false,
    outcomesOf: (rows) => (rows as OutcomeRow[]).map(decodeOutcome),
  };
}

function all(
  batch: readonly EncodedCommand[],
  rows: number,
  parameter: Buffer,
  { reached }: Backend,
): AppendStatement {
  const known = Buffer.alloc(rows);
  let row = 0;
  for (const { command } of batch) {
    const { streamId, events } = command;
    const version = versionBefore(command);
    const end = row + events.length;
    if (version === 0 || reached.has(streamId, version)) known.fill(1, row, end);
    row = end;
  }
  const values = [parameter, known];
  return {
    statement: { name: 'append_all', text: 'SELECT append_all($1, $2) AS head', values },
    allOrNothing: true,
    outcomesOf([row]) {
      let position = BigInt(row?.head);
      return batch.map(({ command, partition }) => {
        const { streamId, events } = command;
        const version = versionBefore(command) + events.length;
        reached.add(streamId, version);
        position += BigInt(events.length);
        return { type: 'appended', version, partition, position };
      });
    },
  };
}

const namesVersion = ({ command: { expected } }: EncodedCommand) =>
  typeof expected === 'number' || expected === 'no_stream';

const versionBefore = ({ expected }: Append) => (typeof expected === 'number' ? expected : 0);
