import {
  type Attributes,
  type Context,
  type Link,
  ROOT_CONTEXT,
  SpanKind,
  trace,
} from '@opentelemetry/api';
import { type BusMessage, header } from '@ordermesh/contract';
import {
  attribute,
  contextFrom,
  histogram,
  inSpan,
  linkFrom,
  linkMeaning,
  messagingSpanName,
  recordError,
  tracer,
} from '@ordermesh/telemetry';
import type { Batch, BatchHandler } from './bus.ts';

/** Name of the stream of order events, on every bus. */
export const destination = 'ordermesh.order.events.v1';

const processDuration = histogram('messaging.process.duration', {
  description: 'Time that a consumer takes to handle one batch.',
  unit: 's',
});

/** What the spans of a consumer say, and when its messages are history. */
export interface ProcessOptions {
  /** `messaging.system.name`: `ordermesh_log`, `kafka`, `redis`. */
  readonly system: string;
  readonly group: string;
  /** All messages are history: a rebuild. */
  readonly replay: boolean;
  /** Events older than this are history. */
  readonly replayAfterMs: number;
}

/**
 * Runs `handler.batch` inside its spans and measures it; used by every adapter.
 *
 * - One message: span `process`, a child of the context in which the event was created, so that the handler's database and gRPC calls land in
 *   the order's own trace.
 * - Several: they belong to many traces, so the handler runs under a `process_batch` span in a trace of its own, and each message gets a
 *   `process` span in its own trace, over the same time, linked to it.
 * - History (a rebuild, or old events) never continues its old trace: its `process` span starts a new one, or in a batch belongs to the
 *   batch's, and links to the old one, with `ordermesh.replay=true`.
 */
export async function processInSpans(
  handler: Pick<BatchHandler, 'batch'>,
  batch: Batch,
  options: ProcessOptions,
): Promise<void> {
  const oldest = Date.now() - options.replayAfterMs;
  const isReplay = (message: BusMessage) =>
    options.replay || Date.parse(message.headers[header.time] ?? '') < oldest;
  const marked = batch.messages.every(isReplay) ? { ...batch, replay: true } : batch;
  const [first, ...others] = batch.messages;
  const common = commonAttributes(batch.partition, options);
  const startedAt = performance.now();
  let errorType: string | undefined;
  try {
    if (first !== undefined && others.length === 0) {
      const { parent, ...span } = processSpan(first, isReplay(first), common);
      await inSpan(processName, { ...span, parent: parent ?? ROOT_CONTEXT }, () =>
        handler.batch(marked),
      );
    } else {
      await inBatchSpan(marked, isReplay, common, () => handler.batch(marked));
    }
  } catch (error) {
    errorType = error instanceof Error ? error.name : typeof error;
    throw error;
  } finally {
    const { [attribute.messagingPartition]: _, ...measured } = common;
    processDuration.record((performance.now() - startedAt) / 1000, {
      ...measured,
      ...(errorType === undefined ? {} : { [attribute.errorType]: errorType }),
    });
  }
}

const processName = messagingSpanName('process', destination);

async function inBatchSpan(
  batch: Batch,
  isReplay: (message: BusMessage) => boolean,
  common: Attributes,
  work: () => Promise<void>,
): Promise<void> {
  const attributes = {
    ...common,
    [attribute.messagingOperationName]: 'process_batch',
    [attribute.messagingBatchCount]: batch.messages.length,
    ...(batch.replay === true ? { [attribute.replay]: true } : {}),
  };
  const options = { kind: SpanKind.CONSUMER, attributes, parent: ROOT_CONTEXT };
  await inSpan(messagingSpanName('process_batch', destination), options, async (batchSpan) => {
    const underBatch = trace.setSpan(ROOT_CONTEXT, batchSpan);
    const toBatch = {
      context: batchSpan.spanContext(),
      attributes: { [attribute.link]: linkMeaning.batch },
    };
    const spans = batch.messages.map((message) => {
      const { parent, links, ...span } = processSpan(message, isReplay(message), common);
      return parent === undefined
        ? tracer.startSpan(processName, { ...span, links }, underBatch)
        : tracer.startSpan(processName, { ...span, links: [...links, toBatch] }, parent);
    });
    try {
      await work();
    } catch (error) {
      for (const span of spans) recordError(span, error);
      throw error;
    } finally {
      for (const span of spans) span.end();
    }
  });
}

interface ProcessSpan {
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  readonly links: Link[];
  /** Undefined for history. */
  readonly parent: Context | undefined;
}

function processSpan(message: BusMessage, replay: boolean, common: Attributes): ProcessSpan {
  const { headers } = message;
  const traceparent = headers[header.traceparent];
  const tracestate = headers[header.tracestate];
  const history = { [attribute.link]: linkMeaning.replayOf };
  const link = replay ? linkFrom(traceparent, tracestate, history) : undefined;
  return {
    kind: SpanKind.CONSUMER,
    attributes: {
      ...common,
      [attribute.messagingMessageId]: headers[header.id],
      [attribute.orderId]: message.key,
      [attribute.orderVersion]: Number(headers[header.sequence]),
      [attribute.eventType]: headers[header.type],
      [attribute.position]: Number(message.position),
      ...(replay ? { [attribute.replay]: true } : {}),
    },
    links: link === undefined ? [] : [link],
    parent: replay ? undefined : contextFrom(traceparent, tracestate),
  };
}

function commonAttributes(partition: number, options: ProcessOptions): Attributes {
  return {
    [attribute.messagingSystem]: options.system,
    [attribute.messagingOperationName]: 'process',
    [attribute.messagingOperationType]: 'process',
    [attribute.messagingDestination]: destination,
    [attribute.messagingPartition]: String(partition),
    [attribute.messagingConsumerGroup]: options.group,
  };
}
