/** One entity tag (RFC 9110, 8.8.3). */
export interface EntityTag {
  readonly weak: boolean;
  /** What stands between the quotes. */
  readonly opaque: string;
}

const tag = '(?:W/)?"[\\x21\\x23-\\x7e\\x80-\\xff]*"';
// Empty elements are allowed in lists (RFC 9110, 5.6.1.2).
const list = new RegExp(`^[ \\t,]*${tag}(?:[ \\t]*,[ \\t,]*${tag})*[ \\t,]*$`);
const each = new RegExp(tag, 'g');

/** The value of `If-Match` or `If-None-Match`: `*`, its tags in order, or `undefined` when it is malformed. */
export function parseEntityTags(value: string): '*' | readonly EntityTag[] | undefined {
  if (value.trim() === '*') return '*';
  if (!list.test(value)) return undefined;
  return [...value.matchAll(each)].map(([text]) => ({
    weak: text.startsWith('W/'),
    opaque: text.slice(text.indexOf('"') + 1, -1),
  }));
}

/**
 * Whether the client has what `etag` names already, so that 304 is the answer. Weak comparison, as RFC 9110, 13.1.2 asks: `W/"3.2"` matches
 * `"3.2"`. A malformed condition matches nothing: the client gets the whole answer.
 */
export function alreadyHas(ifNoneMatch: string, etag: string): boolean {
  const wanted = parseEntityTags(ifNoneMatch);
  if (wanted === '*') return true;
  const current = parseEntityTags(etag);
  if (current === undefined || current === '*') return false;
  return wanted?.some(({ opaque }) => opaque === current[0]?.opaque) ?? false;
}
