/**
 * Why an event can never be applied, however often it is tried:
 * - `published_raw`: the log held something that could not be encoded (`ordermesh-error`)
 * - `malformed_header`: a header is missing or unreadable
 * - `future_schema`: written by a newer release than this one
 * - `unknown_type`: not in the catalogue
 * - `undecodable`: the bytes are not the message that the header names
 * - `invariant`: a gap in the order's versions, a first event that is not OrderCreated, or content that no order can have
 * - `refused`: the store cannot hold the view that it leads to
 */
export type PoisonKind =
  | 'published_raw'
  | 'malformed_header'
  | 'future_schema'
  | 'unknown_type'
  | 'undecodable'
  | 'invariant'
  | 'refused';

/** Thrown for a fault of the event itself: the same event fails the same way on every attempt, so its order is parked. */
export class PoisonError extends Error {
  readonly kind: PoisonKind;

  constructor(kind: PoisonKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'PoisonError';
    this.kind = kind;
  }
}
