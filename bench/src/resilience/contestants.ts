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
    name: 'ordermesh, with a caller',
    settings: 'the same, with the signal of a caller who may go away, and a deadline',
    protect(dependency) {
      const { execute } = guard();
      return () => {
        const { signal } = new AbortController();
        return execute(dependency, { signal, remainingMs: () => timeoutMs });
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
