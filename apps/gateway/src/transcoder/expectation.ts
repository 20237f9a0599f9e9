import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';

/** What a value has to be, for people and, as `reason`, for programs. */
export interface Expectation {
  readonly reason: string;
  readonly detail: string;
}

const whole = (reason: string, from: string, to: string): Expectation => ({
  reason,
  detail: `must be a whole number from ${from} to ${to}`,
});
const int32 = whole('int32', '-2147483648', '2147483647');
const uint32 = whole('uint32', '0', '4294967295');
const int64 = whole('int64', '-9223372036854775808', '9223372036854775807');
const uint64 = whole('uint64', '0', '18446744073709551615');
const number: Expectation = { reason: 'number', detail: 'must be a number' };

const scalars: Readonly<Record<ScalarType, Expectation>> = {
  [ScalarType.DOUBLE]: number,
  [ScalarType.FLOAT]: number,
  [ScalarType.INT32]: int32,
  [ScalarType.SINT32]: int32,
  [ScalarType.SFIXED32]: int32,
  [ScalarType.UINT32]: uint32,
  [ScalarType.FIXED32]: uint32,
  [ScalarType.INT64]: int64,
  [ScalarType.SINT64]: int64,
  [ScalarType.SFIXED64]: int64,
  [ScalarType.UINT64]: uint64,
  [ScalarType.FIXED64]: uint64,
  [ScalarType.BOOL]: { reason: 'bool', detail: 'must be true or false' },
  [ScalarType.STRING]: { reason: 'string', detail: 'must be a text of valid Unicode' },
  [ScalarType.BYTES]: { reason: 'bytes', detail: 'must be base64' },
};

/** What one value of the field has to be; for a list, what each item has to be. */
export function expectation(field: DescField): Expectation {
  if (field.scalar !== undefined) return scalars[field.scalar];
  if (field.enum) {
    // The zero value means "not sent".
    const names = field.enum.values.filter((value) => value.number !== 0).map(({ name }) => name);
    return { reason: 'enum', detail: `must be one of ${names.join(', ')}` };
  }
  if (field.message) return messageExpectation(field.message);
  return { reason: 'object', detail: 'must be an object' };
}

/** As {@link expectation}, for a whole message. */
export function messageExpectation(schema: DescMessage): Expectation {
  if (schema.typeName === 'google.protobuf.Timestamp')
    return { reason: 'timestamp', detail: 'must be a time as 2026-01-31T12:00:00Z (RFC 3339)' };
  if (schema.typeName === 'google.protobuf.Duration')
    return { reason: 'duration', detail: 'must be seconds as 1.5s' };
  return { reason: 'object', detail: 'must be an object' };
}

/** Whether JSON writes a message of this type as something else than an object of its fields. */
export function hasOwnJsonForm(schema: DescMessage): boolean {
  return schema.typeName.startsWith('google.protobuf.');
}
