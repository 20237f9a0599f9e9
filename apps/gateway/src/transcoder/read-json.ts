import { fromJsonString, type JsonValue } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import { ReasonError } from '@ordermesh/contract';
import { invalidRequest } from '@ordermesh/rpc';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * A request body as JSON. No body is an empty object: routes whose fields are all in the path need none.
 *
 * An integer beyond ±(2^53-1) is refused: `JSON.parse` rounds 9007199254740993 silently, which would change someone's money. As a text, the
 * way protobuf JSON writes int64, it is exact.
 * @throws ReasonError MALFORMED_BODY when it is not UTF-8 or not JSON; INVALID_REQUEST for such a number, and when an object has a key
 * twice, where `JSON.parse` would let the last one win
 */
export function readJson(body: Uint8Array): JsonValue {
  if (body.length === 0) return {};
  const text = decode(body);
  const json = parse(text);
  refuseDuplicateKeys(text);
  return json;
}

function decode(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch (cause) {
    throw new ReasonError('MALFORMED_BODY', 'The body is not valid UTF-8.', { cause });
  }
}

function parse(text: string): JsonValue {
  try {
    // A reviver costs several times the parse itself; only long or exponential numbers can need it.
    return /\d{16}|\d[eE]/.test(text) ? JSON.parse(text, refuseInexact) : JSON.parse(text);
  } catch (cause) {
    if (cause instanceof ReasonError) throw cause;
    throw new ReasonError('MALFORMED_BODY', 'The body is not valid JSON.', { cause });
  }
}

function refuseInexact(key: string, value: unknown): unknown {
  if (typeof value !== 'number' || Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value;
  const detail = 'is too large to be exact as a JSON number; send it as a text';
  throw invalidRequest([{ field: key, reason: 'number.inexact', detail }]);
}

// protobuf-es looks for duplicates only in texts that it parses itself, so it gets one to parse into nothing.
function refuseDuplicateKeys(text: string): void {
  try {
    fromJsonString(EmptySchema, text, { ignoreUnknownFields: true });
  } catch (error) {
    const key = /duplicate object key "(.*)"$/s.exec((error as Error).message)?.[1];
    if (key === undefined) return;
    throw invalidRequest([
      { field: key, reason: 'duplicate_field', detail: 'occurs more than once in one object' },
    ]);
  }
}
