import {
  create,
  type DescMethodUnary,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { handleUnaryCall, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { ReasonError } from '@ordermesh/contract';
import { type CallContext, callContext, type Identity } from './call-context.ts';
import { checkShape } from './shape.ts';
import { toReasonError, toStatus } from './status.ts';
import { logDenial, serverCall } from './telemetry.ts';

/** A handler of {@link unaryHandler}. */
export type UnaryFunction = (request: never, call: CallContext) => Promise<unknown>;

/**
 * Whether a call may be served. Throws a ReasonError when it may not.
 * @returns called once when the call has been answered and its handler has ended
 */
export type Admit = (
  method: DescMethodUnary,
  call: CallContext,
) => Promise<(() => void) | undefined>;

/** Who calls, and whether they may: `accessControl` of @ordermesh/auth, which an adapter cannot import. */
export interface Access {
  /** Comes first, and so before any limit: who may connect at all is the certificates' and the network's matter. @throws ReasonError UNAUTHENTICATED, DEPENDENCY_UNAVAILABLE */
  authenticate(call: CallContext): Promise<Identity>;
  /** Comes after admission, so that whoever is denied is limited all the same. @throws ReasonError FORBIDDEN */
  authorise(method: DescMethodUnary, identity: Identity): void;
}

/** What all handlers of a server share. */
interface HandlerOptions {
  /** The deadline of calls that come without one, in milliseconds. */
  readonly requestTimeoutMs: number;
  readonly access?: Access | undefined;
  readonly admit?: Admit;
}

/** With less than this left no answer gets back in time, so nothing is begun. */
const leastUsefulMs = 10;

/**
 * Wraps a handler for grpc-js. It answers every call exactly once: with the handler's message, its error, or DEADLINE_EXCEEDED when that comes
 * first (an unanswered call would hold the caller to its own deadline and leak its span; an async throw would end the process). A call that arrives
 * with less than 10 ms left is answered so at once.
 * Requests arrive as bytes and are decoded here because grpc-js answers INTERNAL when a deserializer throws. A call is admitted here and not in an
 * interceptor, which runs outside the server span.
 */
export function unaryHandler(
  method: DescMethodUnary,
  handle: UnaryFunction,
  options: HandlerOptions,
): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    const observed = serverCall(method);
    const deadline = deadlineOf(call, options.requestTimeoutMs);
    const controller = new AbortController();
    let answered = false;
    const answer = (outcome: { error: ReasonError } | { send: () => void }) => {
      if (answered) return;
      answered = true;
      clearTimeout(timer);
      const error = 'error' in outcome ? outcome.error : undefined;
      observed.end(error);
      if ('error' in outcome) callback(toStatus(outcome.error));
      else outcome.send();
      if (error && !controller.signal.aborted) controller.abort(error);
    };
    const timer = setTimeout(() => answer({ error: deadlineExceeded() }), deadline - Date.now());
    call.on('cancelled', () => {
      if (!answered) answer({ error: cancelled(deadline) }); // it comes after the answer, too, and an error has a stack to make
    });
    if (deadline - Date.now() < leastUsefulMs) return answer({ error: deadlineExceeded() });
    const opened = callContext(call, deadline, controller.signal);
    run(method, handle, call.request, opened, options).then(
      (bytes) => answer({ send: () => send(call, callback, opened.headers, bytes) }),
      (error: unknown) => answer({ error: toReasonError(error) }),
    );
  };
}

async function run(
  method: DescMethodUnary,
  handle: UnaryFunction,
  bytes: Buffer,
  { context, identified }: ReturnType<typeof callContext>,
  { access, admit }: HandlerOptions,
): Promise<Buffer> {
  let call = context;
  let release: Awaited<ReturnType<Admit>>;
  try {
    const identity = access && (await access.authenticate(context));
    if (identity) call = identified(identity);
    release = await admit?.(method, call);
    if (identity) access?.authorise(method, identity);
    const request = decode(method, bytes);
    checkShape(method.input, request);
    const response = await handle(request as never, call);
    return Buffer.from(
      toBinary(method.output, create(method.output, response as Record<string, unknown>)),
    );
  } catch (error) {
    logDenial(method, call, error);
    throw error;
  } finally {
    release?.();
  }
}

function decode(method: DescMethodUnary, bytes: Buffer): MessageShape<DescMethodUnary['input']> {
  try {
    return fromBinary(method.input, bytes);
  } catch (cause) {
    const message = `The request is not a ${method.input.typeName} in protobuf's binary form.`;
    throw new ReasonError('MALFORMED_BODY', message, { cause });
  }
}

function send(
  call: ServerUnaryCall<Buffer, Buffer>,
  callback: sendUnaryData<Buffer>,
  headers: ReturnType<typeof callContext>['headers'],
  bytes: Buffer,
): void {
  if (Object.keys(headers.getMap()).length > 0) call.sendMetadata(headers);
  callback(null, bytes);
}

function deadlineOf(call: ServerUnaryCall<Buffer, Buffer>, requestTimeoutMs: number): number {
  const deadline = Number(call.getDeadline());
  return Number.isFinite(deadline) ? deadline : Date.now() + requestTimeoutMs;
}

function deadlineExceeded(): ReasonError {
  return new ReasonError(
    'DEADLINE_EXCEEDED',
    'The deadline passed before there was an answer; allow more time.',
  );
}

// grpc-js cancels a call when its deadline passes, a moment before or after our own timer.
function cancelled(deadline: number): ReasonError {
  if (Date.now() >= deadline) return deadlineExceeded();
  return new ReasonError('CANCELLED', 'The caller went away.');
}
