import type { Append, AppendOutcome } from '@ordermesh/event-sourcing';
import type { QueryConfig, QueryResultRow } from 'pg';
import type { Backend } from './backend.ts';
import { decodeOutcome, type OutcomeRow } from './decode-outcome.ts';
import { encodeBatch } from './encode-command.ts';
import type { ReachedVersions } from './reached-versions.ts';

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
  /** Undefined: nothing was stored, because of something that only `append_batch` can name. */
  outcomesOf(rows: QueryResultRow[]): readonly AppendOutcome[] | undefined;
}

/**
 * The SQL function for a batch: as a rule one that stores it whole, `append_alone` for one row or `append_all`; else `append_batch`, which judges command by command.
 * @param judged `append_batch`
 */
export function appendStatement(
  batch: readonly EncodedCommand[],
  { reached, rowType }: Backend,
  judged: boolean,
): AppendStatement {
  const rows = batch.reduce((sum, { command }) => sum + command.events.length, 0);
  const elements = batch.map(({ bytes }) => bytes);
  const parameter = encodeBatch(elements, rows, rowType);
  if (judged || !batch.every(namesVersion)) {
    return {
      statement: { ...appendBatch, values: [parameter] },
      outcomesOf: (rows) => (rows as OutcomeRow[]).map(decodeOutcome),
    };
  }
  return {
    statement:
      rows === 1
        ? { ...appendAlone, values: [parameter] }
        : { ...appendAll, values: [parameter, reachedRows(batch, rows, reached)] },
    outcomesOf: ([row]) => (row?.head === null ? undefined : stored(batch, row?.head, reached)),
  };
}

const appendBatch = { name: 'append_batch', text: 'SELECT * FROM append_batch($1)' };
const appendAll = { name: 'append_all', text: 'SELECT append_all($1, $2) AS head' };
const appendAlone = { name: 'append_alone', text: 'SELECT append_alone($1) AS head' };

const namesVersion = ({ command: { expected } }: EncodedCommand) =>
  typeof expected === 'number' || expected === 'no_stream';

const versionBefore = ({ expected }: Append) => (typeof expected === 'number' ? expected : 0);

/** A byte per row: whether its stream is known to have been at the expected version. */
function reachedRows(
  batch: readonly EncodedCommand[],
  rows: number,
  reached: ReachedVersions,
): Buffer {
  const known = Buffer.alloc(rows);
  let row = 0;
  for (const { command } of batch) {
    const version = versionBefore(command);
    const end = row + command.events.length;
    if (version === 0 || reached.has(command.streamId, version)) known.fill(1, row, end);
    row = end;
  }
  return known;
}

/** The outcomes of a batch whose first event is behind the position `head`. */
function stored(
  batch: readonly EncodedCommand[],
  head: string,
  reached: ReachedVersions,
): AppendOutcome[] {
  let position = BigInt(head);
  return batch.map(({ command, partition }) => {
    const { streamId, events } = command;
    const version = versionBefore(command) + events.length;
    reached.add(streamId, version);
    position += BigInt(events.length);
    return { type: 'appended', version, partition, position };
  });
}
