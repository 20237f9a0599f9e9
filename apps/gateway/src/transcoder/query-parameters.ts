import type { DescField, DescMessage, JsonObject, JsonValue } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import type { FieldFault } from '@ordermesh/contract';
import { invalidRequest } from '@ordermesh/rpc';
import { expectation, hasOwnJsonForm } from './expectation.ts';
import { type FieldPath, jsonPath } from './field-path.ts';
import { setIn } from './json-object.ts';

/** The query parameters of a route: every spelling to the field that it names. */
export type QueryParameters = ReadonlyMap<string, FieldPath>;

/**
 * What a query string may set: every field that one text can hold, lists of such fields, and the fields of nested messages, dotted; except
 * what the path or the body binds. Each under its JSON name and its proto name.
 */
export function queryParameters(schema: DescMessage, bound: readonly FieldPath[]): QueryParameters {
  const parameters = new Map<string, FieldPath>();
  const taken = new Set(bound.map(jsonPath));
  const collect = (message: DescMessage, outer: readonly DescField[]) => {
    for (const field of message.fields) {
      const path = [...outer, field] as unknown as FieldPath;
      if (taken.has(jsonPath(path))) continue;
      const nested = field.fieldKind === 'message' && !hasOwnJsonForm(field.message);
      if (nested && !outer.some((above) => above.message === field.message))
        collect(field.message, path);
      if (nested || !isText(field)) continue;
      parameters.set(jsonPath(path), path);
      parameters.set(path.map(({ name }) => name).join('.'), path);
    }
  };
  collect(schema, []);
  return parameters;
}

function isText(field: DescField): boolean {
  if (field.fieldKind === 'map') return false;
  return field.message === undefined || hasOwnJsonForm(field.message);
}

/**
 * A query string as protobuf JSON of the request. Enums may drop their prefix (`PENDING`), 64-bit integers are exact, `+` is a space.
 * @param search what follows the `?`; empty for none
 * @throws ReasonError INVALID_REQUEST naming every parameter that is unknown, given twice without being a list, or not decodable
 */
export function readQuery(parameters: QueryParameters, search: string): JsonObject {
  const faults: FieldFault[] = [];
  const json: JsonObject = {};
  const lists = new Map<DescField, JsonValue[]>();
  const seen = new Set<string>();
  for (const pair of search.split('&').filter((text) => text !== '')) {
    const [name, value] = decodePair(pair);
    const fault = (reason: string, detail: string) =>
      faults.push({ field: name ?? pair, reason, detail });
    const path = name === undefined ? undefined : parameters.get(name);
    const field = path?.at(-1);
    if (name === undefined || value === undefined)
      fault('query.encoding', 'is not percent-encoded UTF-8');
    else if (!path || !field) fault('query.unknown', 'is not a parameter of this route');
    else if (field.fieldKind === 'list') {
      const items = lists.get(field) ?? [];
      items.push(toJson(field, value));
      lists.set(field, items);
      setIn(json, path, items);
    } else if (seen.has(jsonPath(path))) fault('query.repeated', 'may be given only once');
    else if (!isWhole(field, value)) fault(expectation(field).reason, expectation(field).detail);
    else {
      seen.add(jsonPath(path));
      setIn(json, path, toJson(field, value));
    }
  }
  if (faults.length > 0) throw invalidRequest(faults);
  return json;
}

function decodePair(pair: string): readonly [string | undefined, string | undefined] {
  const equals = pair.indexOf('=');
  return equals < 0
    ? [decode(pair), '']
    : [decode(pair.slice(0, equals)), decode(pair.slice(equals + 1))];
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

// Stricter than JavaScript's own number syntax, which protobuf-es reads texts with: `0x10`, ` 5`, `+5`, `1e3`.
function isWhole(field: DescField, value: string): boolean {
  return !/^u?int/.test(expectation(field).reason) || /^-?\d{1,20}$/.test(value);
}

function toJson(field: DescField, value: string): JsonValue {
  if (field.enum) {
    const full = (field.enum.sharedPrefix ?? '').toUpperCase() + value;
    return field.enum.values.some(({ name }) => name === full) ? full : value;
  }
  if (field.scalar === ScalarType.BOOL && /^(true|false)$/.test(value)) return value === 'true';
  return value;
}
