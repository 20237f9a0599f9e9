/** gRPC status codes by name, with the numbers of the protocol. */
export const Code = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** Name of a gRPC status code. */
export type CodeName = keyof typeof Code;

/** How one reason looks to callers. */
export interface ReasonRow {
  /** gRPC status code. */
  readonly code: CodeName;
  /** HTTP status that REST answers. */
  readonly http: number;
  /** Title of the problem document: the same for every occurrence (RFC 9457, 3.1.3). */
  readonly title: string;
  /** For reasons that depend on the method: a broken create is the request's fault, a broken edit the order's state. */
  readonly onState?: { readonly code: CodeName; readonly http: number };
  /** REST status when the caller sent `If-Match` or `If-None-Match`. */
  readonly preconditioned?: number;
}

/**
 * Every error that leaves a process, in one place: reason → gRPC code → HTTP status. Reasons are stable for ever; gRPC carries them in
 * `google.rpc.ErrorInfo`, REST in `reason` and `type`.
 */
export const reasons = {
  MALFORMED_BODY: { code: 'INVALID_ARGUMENT', http: 400, title: 'Body cannot be read' },
  INVALID_REQUEST: { code: 'INVALID_ARGUMENT', http: 400, title: 'Request is not valid' },
  PAGE_TOKEN_INVALID: { code: 'INVALID_ARGUMENT', http: 400, title: 'Page token is not valid' },
  COST_EXCEEDS_LIMIT: {
    code: 'INVALID_ARGUMENT',
    http: 400,
    title: 'Request costs more than the limit',
  },
  EVENT_TOO_LARGE: { code: 'INVALID_ARGUMENT', http: 400, title: 'Order is too large' },
  ORDER_EMPTY: {
    code: 'INVALID_ARGUMENT',
    http: 400,
    title: 'Order has no items',
    onState: { code: 'FAILED_PRECONDITION', http: 409 },
  },
  ORDER_TOTAL_INVALID: { code: 'INVALID_ARGUMENT', http: 400, title: 'Order total is not valid' },
  ORDER_BELOW_MINIMUM: {
    code: 'INVALID_ARGUMENT',
    http: 400,
    title: 'Order total is below the minimum',
    onState: { code: 'FAILED_PRECONDITION', http: 409 },
  },
  CURRENCY_MISMATCH: {
    code: 'INVALID_ARGUMENT',
    http: 400,
    title: 'Currencies differ',
    onState: { code: 'FAILED_PRECONDITION', http: 409 },
  },
  UNAUTHENTICATED: { code: 'UNAUTHENTICATED', http: 401, title: 'Caller is not authenticated' },
  FORBIDDEN: { code: 'PERMISSION_DENIED', http: 403, title: 'Caller is not allowed to do this' },
  ROUTE_NOT_FOUND: { code: 'NOT_FOUND', http: 404, title: 'No such route' },
  ORDER_NOT_FOUND: { code: 'NOT_FOUND', http: 404, title: 'No such order' },
  ITEM_NOT_FOUND: { code: 'NOT_FOUND', http: 404, title: 'No such item in the order' },
  CUSTOMER_NOT_FOUND: { code: 'NOT_FOUND', http: 404, title: 'No such customer' },
  METHOD_NOT_ALLOWED: { code: 'UNIMPLEMENTED', http: 405, title: 'Method is not allowed here' },
  ORDER_NOT_PENDING: { code: 'FAILED_PRECONDITION', http: 409, title: 'Order is not pending' },
  ORDER_NOT_PAID: { code: 'FAILED_PRECONDITION', http: 409, title: 'Order is not paid' },
  ORDER_NOT_SHIPPED: { code: 'FAILED_PRECONDITION', http: 409, title: 'Order is not shipped' },
  ORDER_NOT_CANCELLABLE: {
    code: 'FAILED_PRECONDITION',
    http: 409,
    title: 'Order can no longer be cancelled',
  },
  ORDER_ALREADY_CANCELLED: {
    code: 'FAILED_PRECONDITION',
    http: 409,
    title: 'Order is already cancelled',
  },
  PAYMENT_AMOUNT_MISMATCH: {
    code: 'FAILED_PRECONDITION',
    http: 409,
    title: 'Payment differs from the order total',
  },
  ITEM_PRICE_CONFLICT: {
    code: 'FAILED_PRECONDITION',
    http: 409,
    title: 'Item is in the order at another price',
  },
  ORDER_PARKED: { code: 'FAILED_PRECONDITION', http: 409, title: 'Order could not be projected' },
  ORDER_ALREADY_EXISTS: { code: 'ALREADY_EXISTS', http: 409, title: 'Order id is taken' },
  CUSTOMER_ALREADY_EXISTS: { code: 'ALREADY_EXISTS', http: 409, title: 'Customer id is taken' },
  VERSION_CONFLICT: {
    code: 'ABORTED',
    http: 409,
    title: 'Order has another version',
    preconditioned: 412,
  },
  BODY_TOO_LARGE: { code: 'RESOURCE_EXHAUSTED', http: 413, title: 'Body is too large' },
  UNSUPPORTED_MEDIA_TYPE: {
    code: 'INVALID_ARGUMENT',
    http: 415,
    title: 'Media type is not supported',
  },
  IDEMPOTENCY_KEY_REUSED: {
    code: 'ALREADY_EXISTS',
    http: 422,
    title: 'Idempotency key belongs to another request',
  },
  RATE_LIMITED: { code: 'RESOURCE_EXHAUSTED', http: 429, title: 'Too many requests' },
  EVENTUAL_CONSISTENCY_TIMEOUT: {
    code: 'ABORTED',
    http: 503,
    title: 'View did not catch up in time',
  },
  OVERLOADED: { code: 'UNAVAILABLE', http: 503, title: 'Service is overloaded' },
  DEPENDENCY_UNAVAILABLE: { code: 'UNAVAILABLE', http: 503, title: 'A dependency is unavailable' },
  OUTCOME_UNKNOWN: { code: 'UNAVAILABLE', http: 503, title: 'Outcome of the command is unknown' },
  DEADLINE_EXCEEDED: { code: 'DEADLINE_EXCEEDED', http: 504, title: 'Deadline exceeded' },
  CANCELLED: { code: 'CANCELLED', http: 499, title: 'Caller went away' },
  EVENT_STREAM_EMPTY: { code: 'INTERNAL', http: 500, title: 'Internal error' },
  FIRST_EVENT_INVALID: { code: 'INTERNAL', http: 500, title: 'Internal error' },
  TRANSITION_INVALID: { code: 'INTERNAL', http: 500, title: 'Internal error' },
  INTERNAL: { code: 'INTERNAL', http: 500, title: 'Internal error' },
} as const satisfies Record<string, ReasonRow>;

/** Stable cause of an error. */
export type Reason = keyof typeof reasons;

/** The row of a reason. */
export function reasonRow(reason: Reason): ReasonRow {
  return reasons[reason];
}

/** True for a reason of {@link reasons}. */
export function isReason(value: string): value is Reason {
  return Object.hasOwn(reasons, value);
}

/**
 * HTTP status of a reason that arrived with a gRPC code. The code tells which variant of a method-dependent reason it is.
 * @param preconditioned whether the caller sent `If-Match` or `If-None-Match`
 */
export function httpStatus(reason: Reason, code: CodeName, preconditioned = false): number {
  const row = reasonRow(reason);
  if (preconditioned && row.preconditioned !== undefined) return row.preconditioned;
  return row.onState?.code === code ? row.onState.http : row.http;
}
