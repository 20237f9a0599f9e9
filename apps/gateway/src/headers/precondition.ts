import type { IncomingHttpHeaders } from 'node:http';
import type { FieldFault } from '@ordermesh/contract';
import { invalidRequest } from '@ordermesh/rpc';
import type { RestRoute } from '../transcoder/rest-routes.ts';
import { type EntityTag, parseEntityTags } from './entity-tag.ts';

/**
 * A version that no order reaches. A well-formed tag that can match no order (`"abc"`, `"0"`, weak ones) is sent on as this, so that the
 * service that knows the order applies its usual order of checks: an absent order is still ORDER_NOT_FOUND, an idempotent repetition still
 * answers as the first time, and only then comes VERSION_CONFLICT, 412.
 */
export const unmatchableVersion = 2 ** 31 - 1;

/** True when an unmet condition has to answer 412 (RFC 9110, 13.1) instead of 409. */
export function isConditional(headers: IncomingHttpHeaders): boolean {
  return headers['if-match'] !== undefined || headers['if-none-match'] !== undefined;
}

/**
 * The expected version that the request's conditions ask for; `undefined` for any.
 *
 * - `If-Match: "3"`, or `"3.2"` as the view has it: version 3. Strong comparison (RFC 9110, 13.1.1): a weak tag matches nothing.
 * - `If-Match: *`: the order exists, which every command on an order asks anyway.
 * - `If-None-Match: *` on a route that creates: nothing exists, version 0.
 *
 * On a GET `If-None-Match` is about the answer, not about the request; see {@link alreadyHas}.
 * @throws ReasonError INVALID_REQUEST for malformed values, for several tags (a change can only be based on one version), and for conditions
 * that the route cannot keep: ignoring them would do what the client wanted to prevent
 */
export function expectedVersion(
  route: Pick<RestRoute, 'verb' | 'creates' | 'versionField'>,
  headers: IncomingHttpHeaders,
): number | undefined {
  const match = headers['if-match'];
  const noneMatch = headers['if-none-match'];
  const created =
    noneMatch === undefined || route.verb === 'GET' ? undefined : absent(route, noneMatch);
  if (match === undefined) return created;
  if (route.creates || !route.versionField)
    throw refused('If-Match', 'is not possible on this route');
  return versionOf(match);
}

function absent(route: Pick<RestRoute, 'creates'>, value: string): number {
  if (!route.creates)
    throw refused('If-None-Match', 'is only possible on GET, and as * on creating routes');
  if (parseEntityTags(value) !== '*') throw refused('If-None-Match', 'must be * here');
  return 0;
}

function versionOf(value: string): number | undefined {
  const tags = parseEntityTags(value);
  if (tags === '*') return undefined;
  if (tags?.length === 1) return strongVersion(tags[0] as EntityTag);
  const detail = tags
    ? 'must name one tag: a change is based on one version'
    : 'must be * or one entity tag in double quotes, such as "3"';
  throw refused('If-Match', detail);
}

function strongVersion({ weak, opaque }: EntityTag): number {
  const version = Number(/^([1-9]\d{0,9})(?:\.\d+)?$/.exec(opaque)?.[1] ?? Number.NaN);
  return !weak && version < unmatchableVersion ? version : unmatchableVersion;
}

function refused(field: string, detail: string) {
  const fault: FieldFault = { field, reason: 'header.precondition', detail };
  return invalidRequest([fault]);
}
