import { type BusMessage, type LogRow, toMessage } from '@ordermesh/contract';
import type { ReadPartition } from '../publisher.ts';

/** What {@link restoreStreams} needs. */
export interface RestoreOptions {
  /** Last position that each stream has had. */
  readonly held: readonly bigint[];
  /** Last position of each partition that a stream has acknowledged. */
  readonly reached: readonly bigint[];
  /** How far back a stream is filled that lost more, in positions of the log. */
  readonly keep: number;
  readonly read: ReadPartition;
  /** @param isAfterGap the stream need not have what comes before the first message */
  readonly append: (messages: readonly BusMessage[], isAfterGap: boolean) => Promise<void>;
  /** Name of a partition's stream, for errors. */
  readonly nameOf: (partition: number) => string;
}

/** Rows of one read. */
const readRows = 256;

/**
 * Appends what streams lack of what they had acknowledged: all of it, or when that is more than `keep` positions back, the rest from there; with at
 * least the last message, by whose header `ordermesh-prev` consumers find out what they have to read from the log.
 * @returns how many messages were appended
 * @throws when a stream is ahead of the log, and what `read` and `append` throw
 */
export async function restoreStreams(options: RestoreOptions): Promise<number> {
  let appended = 0;
  for (const [partition, held] of options.held.entries()) {
    const reached = options.reached[partition] ?? 0n;
    if (held > reached) await requireInLog(partition, held, options);
    if (held < reached) appended += await refill(partition, held, reached, options);
  }
  return appended;
}

/** More than was acknowledged is in order when a relay died before it wrote that down; then it is in the log. */
async function requireInLog(partition: number, held: bigint, options: RestoreOptions) {
  const [row] = await options.read(partition, held - 1n, 1);
  if (row?.position === held) return;
  const name = options.nameOf(partition);
  throw new Error(
    `stream ${name} is ahead of the log: position ${held} is not there, and whatever comes would pass for a repetition; delete the stream (DEL ${name}), it is filled again from the log`,
  );
}

async function refill(
  partition: number,
  held: bigint,
  reached: bigint,
  options: RestoreOptions,
): Promise<number> {
  const read = async (after: bigint) =>
    (await options.read(partition, after, readRows)).filter((row) => row.position <= reached);
  let { rows, prev } = await beginning(held, reached, options.keep, read);
  let appended = 0;
  while (rows.length > 0) {
    const messages = rows.map((row) => {
      const message = toMessage(row, prev);
      prev = row.position;
      return message;
    });
    await options.append(messages, appended === 0);
    appended += messages.length;
    rows = prev < reached ? await read(prev) : [];
  }
  return appended;
}

/** The first rows to append, and the position in front of them, which the chain needs. */
async function beginning(
  held: bigint,
  reached: bigint,
  keep: number,
  read: (after: bigint) => Promise<readonly LogRow[]>,
): Promise<{ rows: readonly LogRow[]; prev: bigint }> {
  for (let back = BigInt(Math.max(1, keep)); reached - back > held; back *= 2n) {
    const [anchor, ...rows] = await read(reached - back);
    if (anchor !== undefined && rows.length > 0) return { rows, prev: anchor.position };
  }
  return { rows: await read(held), prev: held };
}
