import { matchesTemplate, type PathTemplate } from './transcoder/path-template.ts';
import type { Verb } from './transcoder/rest-routes.ts';

/** A path that is served, with one of its methods. */
export type KnownPath = { readonly verb: Verb } & (
  | { readonly template: PathTemplate }
  | { readonly path: string }
);

/** The value of `Allow` for a raw path without query; `undefined` when nothing is there. */
export function allowedMethods(known: readonly KnownPath[], path: string): string | undefined {
  const verbs = known
    .filter((one) => ('path' in one ? one.path === path : matchesTemplate(one.template, path)))
    .map(({ verb }) => verb);
  if (verbs.length === 0) return undefined;
  const withHead = verbs.includes('GET') ? ['HEAD', ...verbs] : verbs;
  return [...new Set([...withHead, 'OPTIONS'])].sort().join(', ');
}
