/**
 * One environment variable, described as data: readable by `readSettings` and by whatever documents or checks the
 * variables of a process.
 */
export interface Setting<T> {
  readonly variable: string;
  /** What it is for, one sentence. */
  readonly doc: string;
  /** What a value must be: "a whole number from 1 to 65535". */
  readonly expects: string;
  /** The value when the variable is unset. `undefined` also when it may stay unset or must be given; see `presence`. */
  readonly fallback: T;
  readonly presence: 'default' | 'optional' | 'required';
  /** Also readable from the file that `<variable>_FILE` names; its value never gets into a message. */
  readonly secret: boolean;
  /** The value, or `undefined` when the text is not one. */
  readonly parse: (text: string) => T | undefined;
  /** Where the value comes from while the variable is unset: from that of another one. */
  readonly derivedFrom?: {
    readonly setting: Setting<T | undefined>;
    derive(value: T): T;
  };
}

interface Described {
  readonly doc: string;
  readonly secret?: boolean;
}
type WithDefault<T> = Described & { readonly default: T; readonly optional?: never };
type Optional = Described & { readonly optional: true; readonly default?: never };
type Required = Described & { readonly optional?: never; readonly default?: never };

/** Exactly one of: `default`, `optional: true`, or neither, which makes the variable required. */
export type Presence<T> = WithDefault<T> | Optional | Required;

/** The type that a setting with these options yields. */
export type Yield<T, O> = O extends { readonly optional: true } ? T | undefined : T;

/** Any non-empty text. */
export function text<const O extends Presence<string>>(
  variable: string,
  options: O,
): Setting<Yield<string, O>> {
  return setting(variable, options, 'a text', (value) => value);
}

/** A whole number within bounds; `min` defaults to 0. */
export function int<
  const O extends Presence<number> & { readonly min?: number; readonly max?: number },
>(variable: string, options: O): Setting<Yield<number, O>> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = options;
  const expects =
    max === Number.MAX_SAFE_INTEGER
      ? `a whole number of at least ${min}`
      : `a whole number from ${min} to ${max}`;
  return setting(variable, options, expects, (value) => {
    if (!/^-?\d{1,16}$/.test(value)) return undefined;
    const number = Number(value);
    return number >= min && number <= max ? number : undefined;
  });
}

/** A TCP port. 0 lets the system choose a free one. */
export function port<const O extends Presence<number>>(
  variable: string,
  options: O,
): Setting<Yield<number, O>> {
  return int(variable, { ...options, min: 0, max: 65_535 }) as Setting<Yield<number, O>>;
}

/** An absolute URL with one of the given schemes (`['postgres', 'postgresql']`), kept as its text. */
export function url<const O extends Presence<string> & { readonly schemes: readonly string[] }>(
  variable: string,
  options: O,
): Setting<Yield<string, O>> {
  const expects = `a URL that starts with ${options.schemes.map((scheme) => `${scheme}://`).join(' or ')}`;
  // URLs may hold a password, so they are secrets whether or not the caller thought of it.
  return setting(variable, { ...options, secret: true }, expects, (value) => {
    const scheme = URL.parse(value)?.protocol.slice(0, -1);
    const known = options.schemes.some((one) => one === scheme);
    return known && value.startsWith(`${scheme}://`) ? value : undefined;
  });
}

/** One of the given words. */
export function oneOf<const V extends string, const O extends Presence<NoInfer<V>>>(
  variable: string,
  values: readonly V[],
  options: O,
): Setting<Yield<V, O>> {
  return setting(variable, options, `one of ${values.join(', ')}`, (value) =>
    values.find((one) => one === value),
  );
}

/** `on` or `off` (also true/false and 1/0). */
export function onOff<const O extends Presence<boolean>>(
  variable: string,
  options: O,
): Setting<Yield<boolean, O>> {
  return setting(variable, options, 'on or off', (value) => {
    if (/^(on|true|1)$/i.test(value)) return true;
    return /^(off|false|0)$/i.test(value) ? false : undefined;
  });
}

/** Texts separated by commas; blanks around them are dropped, an empty one is a fault. */
export function list<const O extends Presence<readonly string[]>>(
  variable: string,
  options: O,
): Setting<Yield<readonly string[], O>> {
  return setting<readonly string[], O>(variable, options, 'texts separated by commas', (value) => {
    const items = value.split(',').map((item) => item.trim());
    return items.every((item) => item !== '') ? items : undefined;
  });
}

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** A duration in milliseconds: `2000`, or with a unit `500ms`, `10s`, `5m`, `1h`. At most 2^31-1 ms, a timer's limit; `min` defaults to 0. */
export function durationMs<const O extends Presence<number> & { readonly min?: number }>(
  variable: string,
  options: O,
): Setting<Yield<number, O>> {
  const { min = 0 } = options;
  const least = min > 0 ? ` of at least ${min} ms` : '';
  const expects = `a duration${least} such as 2000 (ms), 500ms, 10s, 5m`;
  return setting(variable, options, expects, (value) => {
    const match = /^(\d{1,10})(ms|s|m|h)?$/.exec(value);
    if (!match) return undefined;
    const ms = Number(match[1]) * unitMs[(match[2] ?? 'ms') as keyof typeof unitMs];
    return ms >= min && ms < 2 ** 31 ? ms : undefined;
  });
}

/** A setting of a kind of its own (`ORDER_MINIMUMS`): `parse` answers `undefined` for a text that is not one. */
export function custom<T, const O extends Presence<T> = Presence<T>>(
  variable: string,
  options: O & { readonly expects: string; readonly parse: (text: string) => T | undefined },
): Setting<Yield<T, O>> {
  return setting(variable, options as Presence<T>, options.expects, options.parse) as Setting<
    Yield<T, O>
  >;
}

function setting<T, O extends Presence<T>>(
  variable: string,
  options: O,
  expects: string,
  parse: (value: string) => T | undefined,
): Setting<Yield<T, O>> {
  const presence =
    options.default !== undefined ? 'default' : options.optional ? 'optional' : 'required';
  return {
    variable,
    doc: options.doc,
    expects,
    fallback: options.default as Yield<T, O>,
    presence,
    secret: options.secret ?? false,
    parse: parse as (value: string) => Yield<T, O> | undefined,
  };
}
