import { ROOT_CONTEXT, SpanKind } from '@opentelemetry/api';
import { type BusMessage, header } from '@ordermesh/contract';
import { attribute, inSpan, linkFrom, linkMeaning, messagingSpanName } from '@ordermesh/telemetry';
import { destination } from './tracing.ts';

/**
 * Runs one send to the bus in its span: a trace of its own, because its messages belong to many, with a link to the creation context of each
 * message. The stored `traceparent` of the messages stays what it is; a client instrumentation would write its own over it.
 * @param system `messaging.system.name`: `kafka`, `redis`
 */
export function sendInSpan<T>(
  messages: readonly BusMessage[],
  system: string,
  send: () => Promise<T>,
): Promise<T> {
  const [first, ...others] = messages;
  const partitions = new Set(messages.map(({ partition }) => partition));
  const links = messages.flatMap(({ headers }) => {
    const attributes = { [attribute.link]: linkMeaning.message };
    return linkFrom(headers[header.traceparent], headers[header.tracestate], attributes) ?? [];
  });
  const attributes = {
    [attribute.messagingSystem]: system,
    [attribute.messagingOperationName]: 'send',
    [attribute.messagingOperationType]: 'send',
    [attribute.messagingDestination]: destination,
    [attribute.messagingBatchCount]: messages.length,
    ...(partitions.size === 1 && { [attribute.messagingPartition]: String(first?.partition) }),
    ...(others.length === 0 && { [attribute.messagingMessageId]: first?.headers[header.id] }),
  };
  const options = { kind: SpanKind.CLIENT, attributes, links, parent: ROOT_CONTEXT };
  return inSpan(messagingSpanName('send', destination), options, send);
}
