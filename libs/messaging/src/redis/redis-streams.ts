import { type BusMessage, header } from '@ordermesh/contract';
import type { Redis } from 'ioredis';
import { streamScript } from './redis-script.ts';

/**
 * The streams, for consumers in any language: partition `n` is the stream `ordermesh.order.events.v1:<n>`, n from 0, in one database. `ordermesh.order.events.v1:partitions` tells how many
 * there are. An entry's id is `<position>-0`; its fields are the headers of the message by their names, and `value`, the bytes of the event. The key is the header
 * `ce_partitionkey`.
 *
 * A stream begins where the slowest group is, or earlier: what is missing in front of an entry (header `ordermesh-prev`) is in the log. Groups of Redis's own
 * (`XREADGROUP`, `XACK`) hold what they have not acknowledged, as ours do.
 */
export const streamKey = (stream: string, partition: number): string => `${stream}:${partition}`;

/** Where the number of partitions is kept. */
export const partitionsKey = (stream: string): string => `${stream}:partitions`;

const valueField = 'value';

/** A message as `append.lua` takes it. */
export function toArguments({
  position,
  value,
  headers,
}: BusMessage): readonly (string | number | Buffer)[] {
  // A Buffer over the same bytes: ioredis takes no other kind of Uint8Array.
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const fields = [...Object.entries(headers).flat(), valueField, bytes];
  return [String(position), headers[header.prev] ?? '0', fields.length, ...fields];
}

/** An entry as Redis gives it: id, and fields with their values in turn. */
export type StreamEntry = readonly [id: Buffer, fields: readonly Buffer[]];

/**
 * An entry as the bus hands it on.
 * @returns undefined for what no relay wrote: its id would move the position of whoever handles it to where the log is not
 */
export function fromEntry(partition: number, [id, fields]: StreamEntry): BusMessage | undefined {
  const headers: Record<string, string> = {};
  let value: Uint8Array = new Uint8Array();
  for (let n = 0; n + 1 < fields.length; n += 2) {
    const name = String(fields[n]);
    const content = fields[n + 1] as Buffer;
    if (name === valueField) value = content;
    else headers[name] = String(content);
  }
  const position = /^(\d{1,16})-0$/.exec(String(id))?.[1];
  if (position === undefined || headers[header.position] !== position) return undefined;
  const key = headers[header.partitionkey] ?? '';
  return { partition, position: BigInt(position), key, value, headers };
}

const lastPosition = streamScript('last-position.lua');

/** Position of the last entry that each stream has had, from partition 0; 0 for one that has nothing or lost everything. One round trip. */
export async function lastPositions(
  redis: Redis,
  stream: string,
  partitions: number,
): Promise<readonly bigint[]> {
  const keys = Array.from({ length: partitions }, (_, n) => streamKey(stream, n));
  const lasts = await Promise.all(keys.map((key) => lastPosition(redis, key, [])));
  return lasts.map((last) => BigInt(String(last)));
}
