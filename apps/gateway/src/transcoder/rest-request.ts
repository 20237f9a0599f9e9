import {
  type DescMethodUnary,
  type JsonObject,
  type JsonValue,
  type Message,
  mergeFromJson,
} from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import type { FieldFault } from '@ordermesh/contract';
import { invalidRequest } from '@ordermesh/rpc';
import { decodeMessage } from './decode-message.ts';
import { expectation } from './expectation.ts';
import { type FieldPath, jsonPath, readPath } from './field-path.ts';
import { setIn } from './json-object.ts';
import { variables } from './path-template.ts';
import { readQuery } from './query-parameters.ts';
import { readJson } from './read-json.ts';
import type { RestRoute } from './rest-routes.ts';

/** The parts of an HTTP request that become the request message. */
export interface RestRequestParts {
  /** Decoded path segments, in the order of the template's variables. */
  readonly path: readonly string[];
  /** What follows the `?`. */
  readonly search: string;
  /** Empty for none. */
  readonly body: Uint8Array;
  /** From conditional headers; `undefined` for none. */
  readonly expectedVersion: number | undefined;
}

/**
 * The request message of a REST call. A field that both the path (or a conditional header) and the body set must have the same value in
 * both: whichever won silently, it would be the wrong one for somebody.
 * @throws ReasonError INVALID_REQUEST, MALFORMED_BODY
 */
export function restRequest(route: RestRoute, parts: RestRequestParts): Message {
  const { input } = route.method;
  const query = readQuery(route.query, parts.search);
  const message = bodyMessage(route, readJson(parts.body), query);
  variables(route.template).forEach((path, i) => {
    const text = parts.path[i] as string;
    bind(input, message, path, text, {
      field: jsonPath(path),
      reason: 'path.differs',
      detail: 'differs from the path',
    });
  });
  if (route.versionField && parts.expectedVersion !== undefined) {
    const fault = {
      field: jsonPath([route.versionField]),
      reason: 'header.differs',
      detail: 'differs from If-Match or If-None-Match',
    };
    bind(input, message, [route.versionField], parts.expectedVersion, fault);
  }
  return message;
}

function bodyMessage(
  { method: { input }, body }: RestRoute,
  json: JsonValue,
  query: JsonObject,
): Message {
  if (body === 'message') return decodeMessage(input, json);
  const message: Message = decodeMessage(input, query);
  // What is sent where nothing is taken (`{"expectedVersion": 3}` with a DELETE) was meant: it is refused, not dropped. `{}` is nothing.
  const content = decodeMessage(body?.message ?? EmptySchema, json);
  if (body) Object.assign(message, { [body.localName]: content });
  return message;
}

function bind(
  input: DescMethodUnary['input'],
  message: Message,
  path: FieldPath,
  value: string | number,
  whenDifferent: FieldFault,
): void {
  const before = readPath(message, path);
  const json: JsonObject = {};
  setIn(json, path, value);
  try {
    mergeFromJson(input, message as never, json);
  } catch {
    throw invalidRequest([{ field: jsonPath(path), ...expectation(path.at(-1) ?? path[0]) }]);
  }
  const unset = before === undefined || before === '' || before === 0 || before === 0n;
  if (!unset && before !== readPath(message, path)) throw invalidRequest([whenDifferent]);
}
