import { type BusMessage, header } from '@ordermesh/contract';

/** An event that was put aside, as it came. */
export interface DeadLetter {
  /** Key on the bus, even if it is no order id. */
  readonly orderId: string;
  /** 0 if the header could not be read. */
  readonly version: number;
  readonly partition: number;
  readonly position: bigint;
  /** The message's bytes. */
  readonly value: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** What is wrong, for machines: a `PoisonKind`, `follows` for a later event of a parked order, or the name of an error class. */
  readonly errorClass: string;
  /** What is wrong, for people. */
  readonly detail: string;
  /** How often it was tried, 0 for an event that only follows. */
  readonly attempts: number;
  readonly parkedAt: Date;
}

/** A message as a dead letter. Total: works on any message, however broken. */
export function deadLetter(
  message: BusMessage,
  fault: Pick<DeadLetter, 'errorClass' | 'detail' | 'attempts' | 'parkedAt'>,
): DeadLetter {
  const sequence = message.headers[header.sequence] ?? '';
  return {
    orderId: message.key,
    version: /^[1-9]\d{0,8}$/.test(sequence) ? Number(sequence) : 0,
    partition: message.partition,
    position: message.position,
    value: message.value,
    headers: message.headers,
    ...fault,
  };
}
