import { type DescMessage, fromBinary } from '@bufbuild/protobuf';
import { ReasonError } from '@ordermesh/contract';
import { decodeMessage } from '../transcoder/decode-message.ts';
import { readJson } from '../transcoder/read-json.ts';

/**
 * Decodes the message of a Connect or gRPC-Web request once before Connect does, for the sake of its errors: Connect answers INTERNAL to
 * malformed binary, names no path in JSON, and lets `JSON.parse` round large numbers. Costs microseconds at the sizes that are allowed.
 * @throws ReasonError MALFORMED_BODY, INVALID_REQUEST
 */
export function checkPayload(schema: DescMessage, contentType: string, body: Uint8Array): void {
  const payload = /^application\/grpc-web/i.test(contentType) ? unwrapped(contentType, body) : body;
  if (/json/i.test(contentType)) {
    if (payload.length === 0)
      throw new ReasonError('MALFORMED_BODY', 'The body is empty; it must be a JSON object.');
    decodeMessage(schema, readJson(payload));
    return;
  }
  try {
    fromBinary(schema, payload);
  } catch (cause) {
    throw malformed(`The body is not a ${schema.typeName} in protobuf's binary form.`, cause);
  }
}

/** The message in a gRPC-Web frame: one byte of flags, four of length. */
function unwrapped(contentType: string, body: Uint8Array): Uint8Array {
  const text = /^application\/grpc-web-text/i.test(contentType);
  const frame = text
    ? Buffer.from(Buffer.from(body).toString('latin1'), 'base64')
    : Buffer.from(body);
  if (frame.length < 5 || frame.readUInt32BE(1) !== frame.length - 5)
    throw malformed('The body is not one gRPC-Web frame.');
  if (frame[0] !== 0)
    throw new ReasonError('UNSUPPORTED_MEDIA_TYPE', 'Compressed messages are not supported.');
  return frame.subarray(5);
}

function malformed(message: string, cause?: unknown): ReasonError {
  return new ReasonError('MALFORMED_BODY', message, { cause });
}
