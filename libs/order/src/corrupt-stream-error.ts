/** What is wrong with a stored stream. */
export type CorruptStreamReason =
  | 'EVENT_STREAM_EMPTY'
  | 'FIRST_EVENT_INVALID'
  | 'TRANSITION_INVALID';

/**
 * Thrown while folding when the stored events cannot be an order's history: no event at all, a first event other than
 * OrderCreated, or an event that the order's status or items do not allow. No command can cause it and no retry mends it: it means
 * that the log is damaged. Log it with the order's id; callers hear INTERNAL without detail.
 */
export class CorruptStreamError extends Error {
  override readonly name = 'CorruptStreamError';
  readonly reason: CorruptStreamReason;
  /** Version of the event that does not fit, 1..n; 0 for an empty stream. */
  readonly version: number;

  constructor(reason: CorruptStreamReason, version: number, message: string) {
    super(message);
    this.reason = reason;
    this.version = version;
  }
}
