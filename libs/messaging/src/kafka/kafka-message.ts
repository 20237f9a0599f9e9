import { type BusMessage, header } from '@ordermesh/contract';
import type { KafkaMessage, Message } from 'kafkajs';

/** A message as the topic keeps it: headers one to one, in UTF-8. */
export function toKafka(message: BusMessage): Message & { readonly partition: number } {
  const { partition, key, value, headers } = message;
  // A Buffer over the same bytes: kafkajs takes no other kind of Uint8Array.
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return { partition, key, value: bytes, headers: { ...headers } };
}

/**
 * A message of the topic as the bus hands it on. Total: the topic may hold what others put there. What cannot be read becomes empty, and a position that
 * cannot be read becomes 0, which is before every checkpoint: it must neither move one nor pass for the event that has it.
 */
export function fromKafka(partition: number, message: Omit<KafkaMessage, 'offset'>): BusMessage {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    const first = Array.isArray(value) ? value[0] : value;
    if (first !== undefined && first !== null) headers[name.toLowerCase()] = String(first);
  }
  const position = headers[header.position] ?? '';
  return {
    partition,
    position: /^\d{1,18}$/.test(position) ? BigInt(position) : 0n,
    key: message.key?.toString() ?? '',
    value: message.value ?? new Uint8Array(),
    headers,
  };
}
