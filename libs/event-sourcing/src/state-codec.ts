import { createHash } from 'node:crypto';

/**
 * The shape of a state, as data: the codec is made of it, and its hash tells snapshots of one shape from those of another. Plain JSON values and
 * bigints; no optional fields, because "absent" and "not known yet" would look the same.
 */
export type Shape =
  | { readonly kind: 'text' | 'integer' | 'bigint' | 'boolean' }
  | { readonly kind: 'one_of'; readonly values: readonly string[] }
  | { readonly kind: 'list'; readonly of: Shape }
  | { readonly kind: 'record'; readonly fields: Readonly<Record<string, Shape>> };

/** The values that a shape describes. */
export type ValueOf<S> = S extends { kind: 'text' }
  ? string
  : S extends { kind: 'integer' }
    ? number
    : S extends { kind: 'bigint' }
      ? bigint
      : S extends { kind: 'boolean' }
        ? boolean
        : S extends { kind: 'one_of'; values: readonly (infer V)[] }
          ? V
          : S extends { kind: 'list'; of: infer Of }
            ? readonly ValueOf<Of>[]
            : S extends { kind: 'record'; fields: infer Fields }
              ? { readonly [Name in keyof Fields]: ValueOf<Fields[Name]> }
              : never;

/** A shape, and which way of folding made it. */
export interface StateSchema<S extends Shape> {
  /** Raised when the same events fold to another state of the same shape; nobody can see that but whoever changes `evolve`. */
  readonly revision: number;
  readonly shape: S;
}

/** Between a state and the text that a snapshot keeps. Exact: `decode(encode(state))` is the state. */
export interface StateCodec<State> {
  /** 32 hexadecimal digits over revision and shape. A snapshot with another one is not this codec's to read. */
  readonly schemaHash: string;
  /** @throws when the state is not of the shape, e.g. has a field more */
  readonly encode: (state: State) => string;
  /** @throws when the text is not an encoded state */
  readonly decode: (text: string) => State;
}

/**
 * The codec of a shape. Assign it to `StateCodec<State>`: the compiler refuses a shape that lacks a field of the state, has one too many, or gives one
 * another type.
 */
export function stateCodec<const S extends Shape>({
  revision,
  shape,
}: StateSchema<S>): StateCodec<ValueOf<S>> {
  return {
    schemaHash: createHash('sha256')
      .update(JSON.stringify([revision, canonical(shape)]))
      .digest('hex')
      .slice(0, 32),
    encode: (state) => JSON.stringify(toJson(shape, state, 'state')),
    decode: (text) => fromJson(shape, JSON.parse(text), 'state') as ValueOf<S>,
  };
}

/** Fields by name: their order in the description changes nothing that is stored. */
function canonical(shape: Shape): unknown {
  switch (shape.kind) {
    case 'one_of':
      return [shape.kind, [...shape.values].sort()];
    case 'list':
      return [shape.kind, canonical(shape.of)];
    case 'record': {
      const names = Object.keys(shape.fields).sort();
      return [shape.kind, names.map((name) => [name, canonical(shape.fields[name] as Shape)])];
    }
    default:
      return shape.kind;
  }
}

function toJson(shape: Shape, value: unknown, path: string): unknown {
  if (shape.kind === 'bigint') {
    if (typeof value !== 'bigint') throw mismatch(path, shape);
    return String(value); // JSON has no bigint, and as a number it would lose digits beyond 2^53
  }
  return walk(shape, value, path, toJson);
}

function fromJson(shape: Shape, value: unknown, path: string): unknown {
  if (shape.kind === 'bigint') {
    if (typeof value !== 'string' || !/^-?\d+$/.test(value)) throw mismatch(path, shape);
    return BigInt(value);
  }
  return walk(shape, value, path, fromJson);
}

type Step = (shape: Shape, value: unknown, path: string) => unknown;

/** Copies a value of the shape, part by part through `step`. */
function walk(
  shape: Exclude<Shape, { kind: 'bigint' }>,
  value: unknown,
  path: string,
  step: Step,
): unknown {
  switch (shape.kind) {
    case 'list':
      if (!Array.isArray(value)) throw mismatch(path, shape);
      return value.map((element, index) => step(shape.of, element, `${path}[${index}]`));
    case 'record': {
      if (typeof value !== 'object' || value === null) throw mismatch(path, shape);
      const names = Object.keys(shape.fields);
      if (Object.keys(value).length !== names.length) throw mismatch(path, shape);
      const copy: Record<string, unknown> = {};
      for (const name of names) {
        if (!Object.hasOwn(value, name)) throw mismatch(`${path}.${name}`, shape);
        const part = (value as Record<string, unknown>)[name];
        copy[name] = step(shape.fields[name] as Shape, part, `${path}.${name}`);
      }
      return copy;
    }
    default:
      if (!isPlain(shape, value)) throw mismatch(path, shape);
      return value;
  }
}

function isPlain(shape: Shape, value: unknown): boolean {
  switch (shape.kind) {
    case 'text':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return Number.isSafeInteger(value) && !Object.is(value, -0); // JSON writes -0 as 0
    case 'one_of':
      return shape.values.some((one) => one === value);
    default:
      return false;
  }
}

/** Names the place and never the value: a state holds what customers told. */
const mismatch = (path: string, { kind }: Shape) => new TypeError(`${path} does not fit ${kind}`);
