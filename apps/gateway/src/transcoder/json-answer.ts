import {
  createRegistry,
  type DescMessage,
  type JsonWriteOptions,
  type Message,
  toJsonString,
} from '@bufbuild/protobuf';
import { eventSchemas } from '@ordermesh/contract';

/**
 * How answers are written, over REST and Connect: what has a value without being set is written out (`"orders": []`, `"nextPageToken": ""`,
 * `"version": 0`), so that clients need no defaults of their own; what can really be absent (`paidAt`, an optional field, a message) is left
 * out. The registry knows the events, which the history answers as `google.protobuf.Any`.
 */
export const answerJson = {
  alwaysEmitImplicit: true,
  registry: createRegistry(...Object.values(eventSchemas)),
} satisfies Partial<JsonWriteOptions>;

/** An answer as JSON text. */
export function jsonAnswer(schema: DescMessage, message: Message): string {
  return toJsonString(schema, message as never, answerJson);
}
