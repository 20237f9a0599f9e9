import { type CodeName, type Reason, reasonRow } from './reasons.ts';

/** One field at fault. */
export interface FieldFault {
  /** Path from the request's root in proto names: `items[0].quantity`. */
  readonly field: string;
  /** Stable name of the broken rule, e.g. `int32.gte`. */
  readonly reason: string;
  /** What is wrong and what would be right. */
  readonly detail: string;
}

/** What an error carries besides reason and message; all of it is shown to callers except `cause`. */
export interface ReasonErrorOptions {
  /** Facts of this occurrence, e.g. `expectedVersion`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Fields at fault. */
  readonly fields?: readonly FieldFault[];
  /** When trying again makes sense, in milliseconds from now. */
  readonly retryAfterMs?: number;
  /** The resource that it is about. */
  readonly resource?: { readonly type: string; readonly name: string };
  /** True where the order's state is at fault rather than the request (`ReasonRow.onState`). */
  readonly onState?: boolean;
  /** For the log only. */
  readonly cause?: unknown;
}

/**
 * An error that callers see: thrown wherever a request has to end with one of the {@link reasons}. Its message is sent to the caller, so it
 * says what to do and names nothing internal. Any other error becomes INTERNAL without detail at the process's edge.
 */
export class ReasonError extends Error {
  readonly reason: Reason;
  readonly code: CodeName;
  readonly metadata: Readonly<Record<string, string>>;
  readonly fields: readonly FieldFault[];
  readonly retryAfterMs: number | undefined;
  readonly resource: { readonly type: string; readonly name: string } | undefined;

  constructor(reason: Reason, message: string, options: ReasonErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ReasonError';
    this.reason = reason;
    const row = reasonRow(reason);
    this.code = (options.onState ? row.onState?.code : undefined) ?? row.code;
    this.metadata = options.metadata ?? {};
    this.fields = options.fields ?? [];
    this.retryAfterMs = options.retryAfterMs;
    this.resource = options.resource;
  }
}
