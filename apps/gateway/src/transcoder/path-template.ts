import type { DescMessage, Message } from '@bufbuild/protobuf';
import { type FieldPath, fieldPath, readPath } from './field-path.ts';

/** A path whose segments are literals or fields of a message: `/v1/orders/{order_id}/pay`. */
export interface PathTemplate {
  readonly text: string;
  readonly segments: readonly Segment[];
}

type Segment = { readonly literal: string } | { readonly variable: FieldPath };

/**
 * Reads a path template of `google.api.http` or `(ordermesh.http).location`. The subset that is served: literals and one-segment variables;
 * no `*`, `**`, `{name=pattern}` or `:verb`.
 * @throws Error, at start, for anything else and for fields that `schema` does not have
 */
export function parseTemplate(text: string, schema: DescMessage): PathTemplate {
  if (!text.startsWith('/')) throw new Error(`path template must start with /: ${text}`);
  const segments = text
    .slice(1)
    .split('/')
    .map((segment): Segment => {
      const variable = /^\{([a-z0-9_.]+)\}$/.exec(segment)?.[1];
      if (variable) return { variable: fieldPath(schema, variable) };
      if (/^[A-Za-z0-9_.~-]+$/.test(segment)) return { literal: segment };
      throw new Error(`path template ${text}: segment ${segment} is not supported`);
    });
  return { text, segments };
}

/** The fields that a template binds, in order. */
export function variables(template: PathTemplate): readonly FieldPath[] {
  return template.segments.flatMap((segment) => ('variable' in segment ? [segment.variable] : []));
}

/** The template as the router wants it; the n-th variable is parameter `p<n>`. */
export function routerPath(template: PathTemplate): string {
  let n = 0;
  const segments = template.segments.map((segment) =>
    'literal' in segment ? segment.literal : `:p${n++}`,
  );
  return `/${segments.join('/')}`;
}

/** Whether a raw path, without query, has the template's form. */
export function matchesTemplate({ segments }: PathTemplate, path: string): boolean {
  const given = path.split('/').slice(1);
  return (
    given.length === segments.length &&
    segments.every((segment, i) =>
      'literal' in segment ? segment.literal === given[i] : given[i] !== '',
    )
  );
}

/** Fills a template from a message; `undefined` when a field is unset or empty, so that no half URL goes out. */
export function expandTemplate({ segments }: PathTemplate, message: Message): string | undefined {
  const filled = segments.map((segment) =>
    'literal' in segment
      ? segment.literal
      : encodeURIComponent(String(readPath(message, segment.variable) ?? '')),
  );
  return filled.includes('') ? undefined : `/${filled.join('/')}`;
}
