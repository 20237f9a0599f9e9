import { type BusMessage, header } from '@ordermesh/contract';
import type { KafkaMessage, Message } from 'kafkajs';

/** A message as the topic keeps it: headers one to one, in UTF-8. */
export function toKafka(message: BusMessage): Message & { readonly partition: number } {
  const { partition, key, value, headers } = message;
  // A Buffer over the same bytes: kafkajs takes no other kind of Uint8Array.
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return { partition, key, value: bytes, headers: { ...headers } };
}

/** The most partitions that a log can have. */
const mostPartitions = 1024n;

/**
 * A message of the topic as the bus hands it on. Total: the topic may hold what others put there. What cannot be read becomes empty, and a position that
 * cannot be read becomes a negative one of partition and offset: it must neither move a checkpoint nor pass for the event that has it.
 */
export function fromKafka(partition: number, message: KafkaMessage): BusMessage {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    const first = Array.isArray(value) ? value[0] : value;
    if (first !== undefined && first !== null) headers[name.toLowerCase()] = String(first);
  }
  const position = headers[header.position] ?? '';
  const place = BigInt(message.offset) * mostPartitions + BigInt(partition);
  return {
    partition,
    position: /^[1-9]\d{0,17}$/.test(position) ? BigInt(position) : -1n - place,
    key: message.key?.toString() ?? '',
    value: message.value ?? new Uint8Array(),
    headers,
  };
}
