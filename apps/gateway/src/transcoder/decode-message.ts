import { type DescMessage, fromJson, type JsonValue, type MessageShape } from '@bufbuild/protobuf';
import { invalidRequest } from '@ordermesh/rpc';
import { jsonFaults } from './json-faults.ts';

/**
 * A message from protobuf JSON, strictly: unknown fields are refused, so that a misspelt optional field cannot be overlooked.
 * @throws ReasonError INVALID_REQUEST naming every fault
 */
export function decodeMessage<D extends DescMessage>(schema: D, json: JsonValue): MessageShape<D> {
  try {
    return fromJson(schema, json);
  } catch {
    const faults = jsonFaults(schema, json);
    const whole = { field: '', reason: 'json', detail: 'the body does not fit this method' };
    throw invalidRequest(faults.length > 0 ? faults : [whole]);
  }
}
