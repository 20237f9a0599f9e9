import { parse } from 'yaml';

/** What the checks look at of a service; everything else is the schema's business. */
export interface ComposeService {
  readonly image?: string;
  readonly build?: {
    readonly context: string;
    readonly dockerfile?: string;
    readonly args?: Readonly<Record<string, string>>;
  };
  readonly network_mode?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: {
    readonly test?: string | readonly string[];
    readonly disable?: boolean;
  };
}

/** A compose file, its anchors merged and its variables filled in. */
export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
}

/**
 * Reads a compose file as `docker compose` would. Of its variables it knows `${NAME:-default}` and `$$`; without a default
 * `docker compose up` would not work from a fresh clone.
 * @throws when it is no YAML, or has another form of variable
 */
export function readComposeFile(
  text: string,
  env: Readonly<Record<string, string | undefined>> = {},
): ComposeFile {
  return interpolate(parse(text, { merge: true }), env) as ComposeFile;
}

function interpolate(value: unknown, env: Readonly<Record<string, string | undefined>>): unknown {
  if (typeof value === 'string') return filledIn(value, env);
  if (Array.isArray(value)) return value.map((item) => interpolate(item, env));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, interpolate(item, env)]),
  );
}

function filledIn(text: string, env: Readonly<Record<string, string | undefined>>): string {
  return text.replaceAll(/\$(\$|\{([A-Z_]+):-([^}]*)\}|)/g, (found, what, name, fallback) => {
    if (what === '$') return '$';
    if (name === undefined) throw new Error(`${text}: ${found} has no form \${NAME:-default}`);
    return env[name] || fallback;
  });
}
