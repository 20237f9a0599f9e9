import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { FieldPath } from './field-path.ts';

/** Sets the value at `path` of a JSON object, making the objects on the way. */
export function setIn(object: JsonObject, path: FieldPath, value: JsonValue): void {
  let inner = object;
  for (const field of path.slice(0, -1)) {
    inner[field.jsonName] ??= {};
    inner = inner[field.jsonName] as JsonObject;
  }
  inner[(path.at(-1) ?? path[0]).jsonName] = value;
}
