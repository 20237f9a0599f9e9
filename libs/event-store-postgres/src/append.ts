import {
  type Context,
  context,
  type Link,
  ROOT_CONTEXT,
  SpanKind,
  trace,
} from '@opentelemetry/api';
import { partitionOf } from '@ordermesh/contract';
import type { EventStore } from '@ordermesh/event-sourcing';
import { inSpan, linkFrom } from '@ordermesh/telemetry';
import { appendDuration, batchSize, changeQueueDepth } from './append-metrics.ts';
import type { EncodedCommand } from './append-statement.ts';
import { createBatcher } from './batcher.ts';
import { encodeCommand } from './encode-command.ts';
import { unstorable } from './event-limits.ts';
import { sendBatch, type Target } from './send-batch.ts';

interface Item extends EncodedCommand {
  /** Of the caller, so that a command alone in its batch shows its statement in its own trace. */
  readonly context: Context;
}

/** `append` of the port: refuses what cannot be stored, encodes, and leaves the rest to the batcher. */
export function createAppend(
  target: Target,
  partitions: number,
  maxInFlight: number,
): EventStore['append'] {
  const batcher = createBatcher<Item>({
    send(batch) {
      batchSize.record(batch.length);
      return inBatchContext(batch, () => sendBatch(target, batch));
    },
    onQueued: changeQueueDepth,
    maxInFlight,
  });
  return async (command, signal) => {
    const startedAt = performance.now();
    const error = unstorable(command);
    if (error) throw error;
    const partition = partitionOf(command.streamId, partitions);
    const bytes = encodeCommand(command, partition);
    try {
      return await batcher.submit({ command, bytes, partition, context: context.active() }, signal);
    } finally {
      appendDuration.record((performance.now() - startedAt) / 1000);
    }
  };
}

/** A batch of several belongs to no caller's trace: it has one of its own, with a link to each command. */
function inBatchContext<T>(batch: readonly Item[], work: () => Promise<T>): Promise<T> {
  const [first] = batch;
  if (batch.length === 1 && first) return context.with(first.context, work);
  const isTraced = batch.some((item) => trace.getSpan(item.context) !== undefined);
  if (!isTraced) return work(); // nobody would see the links, and reading them takes 1 µs each
  const links = batch.map(({ command }) => {
    const [event] = command.events;
    return linkFrom(event?.traceparent, event?.tracestate);
  });
  const options = {
    kind: SpanKind.INTERNAL,
    parent: ROOT_CONTEXT,
    links: links.filter((link): link is Link => link !== undefined),
    attributes: { 'db.operation.batch.size': batch.length },
  };
  return inSpan('append', options, work);
}
