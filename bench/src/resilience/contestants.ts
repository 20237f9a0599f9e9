import { policy } from '@ordermesh/resilience';
import * as Mollitia from 'mollitia';
import CircuitBreaker from 'opossum';

const timeoutMs = 10_000;
/** More than ever call at once: nobody is refused. */
const places = 512;

/** A way to call `dependency`. */
export interface Contestant {
  readonly name: string;
  /** What it was told, to be printed. */
  readonly settings: string;
  /** Makes the protected form of a call. */
  protect(dependency: () => Promise<number>): () => Promise<unknown>;
}

const guard = () =>
  policy({ name: 'bench', timeoutMs, failureThreshold: 10, openMs: 500, maxConcurrent: places });

/** The bare call first, then ours. */
export const contestants: readonly Contestant[] = [
  { name: 'bare call', settings: 'nothing', protect: (dependency) => dependency },
  {
    name: 'ordermesh',
    settings: 'circuit, bulkhead, time limit',
    protect(dependency) {
      const { execute } = guard();
      return () => execute(dependency);
    },
  },
  {
    name: 'ordermesh, to be cancelled',
    settings: 'the same; the call asks for its signal, as those through gRPC do',
    protect(dependency) {
      const { execute } = guard();
      return () => execute(({ signal }) => (signal.aborted ? Promise.reject() : dependency()));
    },
  },
  {
    name: 'ordermesh, with a caller',
    settings: 'the same, with the signal of a caller who may go away, made for it, and a deadline',
    protect(dependency) {
      const { execute } = guard();
      return () => {
        const { signal: caller } = new AbortController();
        return execute(({ signal }) => (signal.aborted ? Promise.reject() : dependency()), {
          signal: caller,
          remainingMs: () => timeoutMs,
        });
      };
    },
  },
  {
    name: 'two signals',
    settings: 'what Node takes for those alone: made, with a listener put on one and taken off',
    protect(dependency) {
      const listener = () => undefined;
      return async () => {
        const [caller, own] = [new AbortController().signal, new AbortController().signal];
        caller.addEventListener('abort', listener, { once: true });
        if (own.aborted) throw own.reason;
        const answer = await dependency();
        caller.removeEventListener('abort', listener);
        return answer;
      };
    },
  },
  {
    name: 'opossum',
    settings: '10.0.0, timeout, capacity, else defaults',
    protect(dependency) {
      const breaker = new CircuitBreaker(dependency, { timeout: timeoutMs, capacity: places });
      return () => breaker.fire();
    },
  },
  {
    name: 'mollitia',
    settings: '0.1.1, Bulkhead, SlidingCountBreaker, Timeout',
    protect(dependency) {
      const circuit = new Mollitia.Circuit({
        options: {
          modules: [
            new Mollitia.Bulkhead({ concurrentSize: places }),
            new Mollitia.SlidingCountBreaker({ slidingWindowSize: 10 }),
            new Mollitia.Timeout({ delay: timeoutMs }),
          ],
        },
      });
      const protectedCall = circuit.fn(dependency);
      return () => protectedCall.execute();
    },
  },
];
