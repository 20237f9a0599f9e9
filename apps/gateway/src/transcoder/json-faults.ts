import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
} from '@bufbuild/protobuf';
import type { FieldFault } from '@ordermesh/contract';
import { expectation, hasOwnJsonForm, messageExpectation } from './expectation.ts';

const notAnObject: FieldFault = {
  field: '',
  reason: 'object',
  detail: 'The body must be a JSON object.',
};

/**
 * Every place in `json` at which it is not a `schema`, with its path as the caller wrote it (`items[0].unitPrice`). protobuf-es names only
 * the first fault, without the path; it stays the judge of every single value here, so that the two never disagree.
 */
export function jsonFaults(schema: DescMessage, json: JsonValue, path = ''): readonly FieldFault[] {
  if (!isObject(json))
    return [path === '' ? notAnObject : { field: path, ...messageExpectation(schema) }];
  const seen = new Set<DescField>();
  return Object.entries(json).flatMap(([key, value]) => {
    const at = path === '' ? key : `${path}.${key}`;
    const field = schema.fields.find(({ name, jsonName }) => name === key || jsonName === key);
    if (!field) return [{ field: at, reason: 'unknown_field', detail: 'is not a known field' }];
    if (seen.has(field))
      return [{ field: at, reason: 'duplicate_field', detail: 'is given under both its names' }];
    seen.add(field);
    return value === null ? [] : fieldFaults(field, key, value, at);
  });
}

function fieldFaults(
  field: DescField,
  key: string,
  value: JsonValue,
  at: string,
): readonly FieldFault[] {
  if (field.fieldKind !== 'list') return valueFaults(field, key, value, at, value);
  if (!Array.isArray(value)) return [{ field: at, reason: 'array', detail: 'must be an array' }];
  return value.flatMap((item, i) => valueFaults(field, key, [item], `${at}[${i}]`, item));
}

function valueFaults(
  field: DescField,
  key: string,
  asField: JsonValue,
  at: string,
  value: JsonValue,
): readonly FieldFault[] {
  if (field.fieldKind !== 'map' && field.message && !hasOwnJsonForm(field.message))
    return jsonFaults(field.message, value, at);
  try {
    fromJson(field.parent, { [key]: asField });
    return [];
  } catch {
    return [{ field: at, ...expectation(field) }];
  }
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
