import { observeGauge } from './instruments.ts';

let patched: boolean | undefined;

/**
 * Whether calls through grpc-js are really traced, on both sides: instrumentation-grpc replaced the server's `register`
 * and the client factory *as ES modules see it*. If anything imported grpc-js before the instrumentation was in place,
 * the namespace that `import` hands out is frozen with the original factory; then servers look traced, but clients send
 * no traceparent. Asking `require` would not notice that.
 */
export async function selfCheck(): Promise<boolean> {
  const grpc = await import('@grpc/grpc-js');
  patched =
    isWrapped(grpc.Server.prototype.register) && isWrapped(grpc.makeGenericClientConstructor);
  return patched;
}

/** The mark that shimmer, which does the patching, leaves on its replacements. */
const isWrapped = (fn: object): boolean => '__wrapped' in fn && fn.__wrapped === true;

observeGauge(
  'ordermesh.telemetry.grpc_patched',
  {
    description: '1 when grpc-js is instrumented on both sides, 0 when traces break at every call.',
  },
  (report) => {
    if (patched !== undefined) report(patched ? 1 : 0);
  },
);
