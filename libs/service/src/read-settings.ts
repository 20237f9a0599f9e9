import { readFileSync } from 'node:fs';
import type { Setting } from './setting.ts';
import { ConfigError } from './startup-error.ts';

/** A process's settings by their name in the code. */
export type SettingsSpec = Readonly<Record<string, Setting<unknown>>>;

/** What `readSettings` answers for a spec. */
export type Settings<S extends SettingsSpec> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

/** The environment, as `process.env` has it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings of `spec` from `env`. A variable that is empty or blank counts as unset (compose files pass unset
 * ones that way); it may then be derived from another one. A secret may come from the file that `<variable>_FILE` names instead; blanks and line ends around its
 * content are dropped.
 *
 * @throws ConfigError naming every fault at once, a line each; values of secrets and URLs are never in it.
 */
export function readSettings<const S extends SettingsSpec>(env: Environment, spec: S): Settings<S> {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(spec)) {
    const outcome = readSetting(env, setting);
    if ('fault' in outcome) faults.push(outcome.fault);
    else values[name] = outcome.value;
  }
  if (faults.length > 0) throw new ConfigError([...new Set(faults)]);
  return values as Settings<S>;
}

type Outcome = { readonly value: unknown } | { readonly fault: string };

function readSetting(env: Environment, setting: Setting<unknown>): Outcome {
  const source = setting.secret ? readSecret(env, setting.variable) : given(env, setting.variable);
  if (typeof source === 'object') return source;
  if (source === undefined) return derived(env, setting) ?? unset(setting);
  const value = setting.parse(source);
  if (value !== undefined) return { value };
  const shown = setting.secret ? 'has a malformed value (not shown)' : `is ${quote(source)}`;
  return { fault: `${setting.variable} ${shown}; it must be ${setting.expects}` };
}

function derived(env: Environment, { derivedFrom }: Setting<unknown>): Outcome | undefined {
  if (derivedFrom === undefined) return undefined;
  const other = readSetting(env, derivedFrom.setting);
  if ('fault' in other) return other;
  return other.value === undefined ? undefined : { value: derivedFrom.derive(other.value) };
}

function unset({ variable, derivedFrom, ...setting }: Setting<unknown>): Outcome {
  if (setting.presence !== 'required') return { value: setting.fallback };
  const orFile = setting.secret ? ` (or ${variable}_FILE)` : '';
  const names = derivedFrom
    ? `${derivedFrom.setting.variable} (or ${variable})`
    : variable + orFile;
  return { fault: `${names} is not set; it must be ${setting.expects}: ${setting.doc}` };
}

function readSecret(env: Environment, variable: string): string | undefined | { fault: string } {
  const fileVariable = `${variable}_FILE`;
  const direct = given(env, variable);
  const file = given(env, fileVariable);
  if (file === undefined) return direct;
  if (direct !== undefined) {
    return { fault: `${variable} and ${fileVariable} are both set; only one of them may be` };
  }
  try {
    const content = readFileSync(file, 'utf8').trim();
    return content === ''
      ? { fault: `${fileVariable} names an empty file: ${quote(file)}` }
      : content;
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    return { fault: `${fileVariable} names a file that can't be read (${reason}): ${quote(file)}` };
  }
}

function given(env: Environment, variable: string): string | undefined {
  return env[variable]?.trim() || undefined;
}

const quote = (value: string): string =>
  JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
