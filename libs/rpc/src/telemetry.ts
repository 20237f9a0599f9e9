import type { DescMethod } from '@bufbuild/protobuf';
import { trace } from '@opentelemetry/api';
import { ReasonError } from '@ordermesh/contract';
import { attribute, histogram, logger } from '@ordermesh/telemetry';
import type { CallContext } from './call-context.ts';

const durations = {
  server: histogram('rpc.server.call.duration', {
    description: 'Time to answer a call.',
    unit: 's',
  }),
  client: histogram('rpc.client.call.duration', {
    description: 'Time until a call was answered.',
    unit: 's',
  }),
};

const log = logger('rpc');

/** One call under observation. */
interface ObservedCall {
  /** Ends it; `undefined` for success. */
  end(error: ReasonError | undefined): void;
}

/**
 * instrumentation-grpc makes the server span, with the old attribute names and no metrics; this adds the stable ones and the duration.
 * To be called with that span active.
 */
export function serverCall(method: DescMethod): ObservedCall {
  const name = `${method.parent.typeName}/${method.name}`;
  const span = trace.getActiveSpan();
  span?.updateName(name);
  span?.setAttributes({ [attribute.rpcSystem]: 'grpc', [attribute.rpcMethod]: name });
  const ended = timed('server', name);
  return {
    end(error) {
      if (error) span?.setAttribute(attribute.reason, error.reason);
      span?.setAttribute(attribute.rpcStatusCode, error?.code ?? 'OK');
      if (error?.code === 'INTERNAL')
        log.error({ err: error.cause ?? error, rpc: name }, 'call failed');
      ended(error);
    },
  };
}

/** Records the duration of a call of ours; instrumentation-grpc makes the span. */
export function clientCall(method: DescMethod): ObservedCall {
  return { end: timed('client', `${method.parent.typeName}/${method.name}`) };
}

function timed(side: keyof typeof durations, name: string) {
  const started = performance.now();
  return (error: ReasonError | undefined) =>
    durations[side].record((performance.now() - started) / 1000, {
      [attribute.rpcMethod]: name,
      [attribute.rpcStatusCode]: error?.code ?? 'OK',
    });
}

/**
 * Says once who was denied what, and why; nothing that the request held. What a caller says that it is may be no more than that, and of any length. Other errors are none of its
 * business.
 */
export function logDenial(
  method: DescMethod,
  { caller, peerService }: Pick<CallContext, 'caller' | 'peerService'>,
  error: unknown,
): void {
  if (!(error instanceof ReasonError)) return;
  if (error.code !== 'UNAUTHENTICATED' && error.code !== 'PERMISSION_DENIED') return;
  const rpc = `${method.parent.typeName}/${method.name}`;
  const { reason, message, cause } = error;
  const check = cause instanceof Error ? cause.message : message;
  const { subject } = caller;
  const from = caller.service.slice(0, 100);
  log.warn({ rpc, reason, check, subject, caller: from, peer: peerService }, 'denied');
}
