import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Shape, stateCodec, type ValueOf } from './state-codec.ts';

const shape = {
  kind: 'record',
  fields: {
    name: { kind: 'text' },
    count: { kind: 'integer' },
    cents: { kind: 'bigint' },
    open: { kind: 'boolean' },
    status: { kind: 'one_of', values: ['NEW', 'DONE'] },
    lines: { kind: 'list', of: { kind: 'record', fields: { cents: { kind: 'bigint' } } } },
  },
} as const satisfies Shape;

const codec = stateCodec({ revision: 1, shape });
type State = ValueOf<typeof shape>;

const state: State = {
  name: 'a',
  count: 1,
  cents: 2n,
  open: true,
  status: 'NEW',
  lines: [{ cents: 3n }],
};

const states: fc.Arbitrary<State> = fc.record(
  {
    name: fc.string({ unit: 'binary' }),
    count: fc.maxSafeInteger().map((n) => n || 0),
    cents: fc.bigInt(),
    open: fc.boolean(),
    status: fc.constantFrom('NEW', 'DONE'),
    lines: fc.array(fc.record({ cents: fc.bigInt() }, { noNullPrototype: true })),
  },
  { noNullPrototype: true },
);

/** The hash of this shape with its parts replaced. */
const hashWith = (fields: Record<string, Shape>, revision = 1) =>
  stateCodec({ revision, shape: { kind: 'record', fields: { ...shape.fields, ...fields } } })
    .schemaHash;

describe('stateCodec()', () => {
  test('reads every state exactly as it was written, bigints of any size too', () => {
    fc.assert(
      fc.property(states, (any) => {
        expect(codec.decode(codec.encode(any))).toStrictEqual(any);
      }),
    );
  });

  test('has another hash for every other shape, and for another revision', () => {
    const hashes = [
      codec.schemaHash,
      hashWith({}, 2),
      hashWith({ more: { kind: 'text' } }),
      hashWith({ count: { kind: 'bigint' } }),
      hashWith({ status: { kind: 'one_of', values: ['NEW', 'DONE', 'GONE'] } }),
      hashWith({ lines: { kind: 'list', of: { kind: 'bigint' } } }),
      hashWith({ lines: { kind: 'list', of: { kind: 'record', fields: {} } } }),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(codec.schemaHash).toMatch(/^[0-9a-f]{32}$/);
  });

  test('has the same hash whatever the order in which fields and words are described', () => {
    const fields = Object.fromEntries(Object.entries(shape.fields).reverse());
    const status = { kind: 'one_of', values: ['DONE', 'NEW'] } as const;
    const reversed = { kind: 'record', fields: { ...fields, status } } as const;
    expect(stateCodec({ revision: 1, shape: reversed }).schemaHash).toBe(codec.schemaHash);
  });

  test.each([
    ['a field more', { extra: 1 }],
    ['a field less', { name: undefined }],
    ['a fraction', { count: 1.5 }],
    ['a negative zero, which JSON would make 0', { count: -0 }],
    ['a number beyond 2^53', { count: 2 ** 53 }],
    ['a number for a bigint', { cents: 1 }],
    ['an unknown word', { status: 'LOST' }],
    ['a record for a list', { lines: {} }],
    ['null for a record', { lines: [null] }],
  ])('refuses to write %s', (_, change) => {
    expect(() => codec.encode({ ...state, ...change } as State)).toThrow(TypeError);
  });

  test.each([
    ['nothing', ''],
    ['another value', 'null'],
    ['a bigint that is none', codec.encode(state).replace('"2"', '"2.0"')],
    ['a field more', codec.encode(state).replace('{', '{"extra":1,')],
    ['another type', codec.encode(state).replace('true', '1')],
  ])('refuses to read %s', (_, text) => {
    expect(() => codec.decode(text)).toThrow();
  });

  test('names the place of what does not fit, and never the value', () => {
    const secret = { ...state, lines: [{ cents: 1n }, { cents: 'secret' }] } as unknown as State;
    expect(() => codec.encode(secret)).toThrow('state.lines[1].cents does not fit bigint');
  });
});
