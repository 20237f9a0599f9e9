import { httpStatus, type Reason, type ReasonError, reasons } from '@ordermesh/contract';
import { challenge } from './challenge.ts';

/** An error as HTTP answers it: application/problem+json (RFC 9457). */
export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a problem says beside the error itself. */
export interface ProblemContext {
  /** Path of the request, without query: that may hold personal data. */
  readonly instance: string;
  readonly traceId: string | undefined;
  /** Whether the client sent `If-Match` or `If-None-Match`. */
  readonly conditional: boolean;
  /** Instead of the reason's own, where HTTP has a more precise one (414, 431). */
  readonly status?: number;
}

/** Problem types that IANA registered for draft-ietf-httpapi-ratelimit-headers. */
const registeredTypes: Partial<Record<Reason, string>> = {
  RATE_LIMITED: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
  OVERLOADED: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
};

/** Describes an error that clients may see (see publicError). */
export function problemOf(error: ReasonError, context: ProblemContext): Problem {
  const { reason, code, fields, metadata } = error;
  const status = context.status ?? httpStatus(reason, code, context.conditional);
  const body = {
    type: registeredTypes[reason] ?? `urn:ordermesh:problem:${reason}`,
    title: reasons[reason].title,
    status,
    detail: error.message,
    instance: context.instance,
    code,
    reason,
    traceId: context.traceId,
    errors: fields.length > 0 ? fields : undefined,
    metadata: Object.keys(metadata).length > 0 ? metadata : undefined,
    // The member that the registered problem type quota-exceeded asks for.
    'violated-policies': reason === 'RATE_LIMITED' ? metadata.policies?.split(',') : undefined,
  };
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...retryAfter(error),
      ...challenge(error),
    },
    body: JSON.stringify(body),
  };
}

/** Whole seconds, rounded up: earlier would be too early. */
function retryAfter({ retryAfterMs }: ReasonError): Record<string, string> {
  if (retryAfterMs === undefined) return {};
  return { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) };
}
