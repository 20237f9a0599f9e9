import { Code, type CodeName, ReasonError } from '@ordermesh/contract';

/** What the end of a call says about the dependency's health: it works, it does not, or nothing. */
export type Effect = 'success' | 'failure' | 'ignored';

/** A refusal is the answer of a healthy dependency; only what says that it is broken or unreachable counts against it. */
const effects: Readonly<Record<CodeName, Effect>> = {
  OK: 'success',
  UNAVAILABLE: 'failure',
  DEADLINE_EXCEEDED: 'failure',
  INTERNAL: 'failure',
  UNKNOWN: 'failure',
  DATA_LOSS: 'failure',
  // Our own share is used up: the dependency may be well, but that is no proof.
  RESOURCE_EXHAUSTED: 'ignored',
  CANCELLED: 'ignored',
  INVALID_ARGUMENT: 'success',
  NOT_FOUND: 'success',
  ALREADY_EXISTS: 'success',
  PERMISSION_DENIED: 'success',
  FAILED_PRECONDITION: 'success',
  ABORTED: 'success',
  OUT_OF_RANGE: 'success',
  UNIMPLEMENTED: 'success',
  UNAUTHENTICATED: 'success',
};

const names = new Map<unknown, CodeName>(
  Object.entries(Code).map(([name, code]) => [code, name as CodeName]),
);

/**
 * What an error of a call says about the dependency.
 * @param error a ReasonError, or anything with a numeric gRPC `code` as grpc-js throws it; all else is UNKNOWN, hence a failure
 */
export function effectOf(error: unknown): Effect {
  // A dependency that sheds load is well, and refuses the less important first: a circuit would refuse all alike.
  if (error instanceof ReasonError && error.reason === 'OVERLOADED') return 'ignored';
  return effects[codeOf(error)];
}

/** The gRPC code of an error, as {@link effectOf} sees it. */
export function codeOf(error: unknown): CodeName {
  if (error instanceof ReasonError) return error.code;
  if (!(error instanceof Error) || !('code' in error)) return 'UNKNOWN';
  const name = names.get(error.code);
  return name === undefined || name === 'OK' ? 'UNKNOWN' : name;
}
