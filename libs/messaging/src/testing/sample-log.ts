import { randomUUID } from 'node:crypto';
import { type LogRow, partitionOf } from '@ordermesh/contract';

/** Makes rows as the log holds them: dense positions over all partitions, versions from 1 within each order. */
export interface SampleLog {
  /** A new order id that belongs to the partition. */
  orderIn(partition: number): string;
  /** The next event of an order. `overrides` replaces any field but the position. */
  next(orderId: string, overrides?: Partial<Omit<LogRow, 'position'>>): LogRow;
  /** One event of a new order in each partition. */
  oneEach(): LogRow[];
}

/** @param partitions how many the log has */
export function sampleLog(partitions: number): SampleLog {
  const versions = new Map<string, number>();
  let position = 0n;
  const orderIn = (partition: number): string => {
    for (;;) {
      const id = randomUUID();
      if (partitionOf(id, partitions) === partition) return id;
    }
  };
  const next: SampleLog['next'] = (orderId, overrides) => {
    const version = (versions.get(orderId) ?? 0) + 1;
    versions.set(orderId, version);
    position++;
    return {
      position,
      partition: partitionOf(orderId, partitions),
      streamId: orderId,
      version,
      type: 'OrderCancelled',
      schemaVersion: 1,
      eventId: randomUUID(),
      occurredAt: new Date(),
      traceparent: null,
      tracestate: null,
      data: JSON.stringify({ reason: `change ${version}` }),
      ...overrides,
    };
  };
  return {
    orderIn,
    next,
    oneEach: () => Array.from({ length: partitions }, (_, n) => next(orderIn(n))),
  };
}
