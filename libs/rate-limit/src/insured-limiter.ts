import { counter, gauge, logger } from '@ordermesh/telemetry';
import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import { memoryLimiter } from './memory/memory-limiter.ts';
import type { Limiter } from './quota.ts';

/** Options of {@link insuredLimiter}. */
export interface InsuredLimiterOptions {
  /** How many processes share the limits: without the shared counters each admits its share. */
  readonly replicas: number;
  /** Lost counters are asked again after this many milliseconds. 1000 by default. */
  readonly openMs?: number;
}

/** Counters that may be lost, and where each verdict came from. */
export interface InsuredLimiter extends Limiter {
  /** Whether the shared counters answer, as far as is known. */
  isShared(): boolean;
}

const storeErrors = counter('ratelimit.store_errors', {
  description:
    'Decisions that the shared counters did not answer, and that this process made alone.',
  unit: '{decision}',
});
const localMode = gauge('ratelimit.local_mode', {
  description: '1 while the shared counters are lost and this process counts alone, else 0.',
});
/** Failures in a row. A hung store costs each request its command timeout until then. */
const failureThreshold = 3;

/**
 * Asks the shared counters, and counts by itself while they are lost: never an error, never unlimited. Its own counters know what was
 * counted here alone, so that a loss admits at most one share more. After 3 failures in a row the shared ones are left alone for a second.
 */
export function insuredLimiter(shared: Limiter, options: InsuredLimiterOptions): InsuredLimiter {
  const { replicas, openMs = 1000 } = options;
  const log = logger('rate-limit');
  const local = memoryLimiter({ replicas });
  // No hung probe can wedge it: every command of the limiter's connection ends within its command timeout.
  const breaker = circuitBreaker(handleAll, {
    halfOpenAfter: openMs,
    breaker: new ConsecutiveBreaker(failureThreshold),
  });
  storeErrors.add(0);
  localMode.record(0);
  breaker.onBreak(() => {
    localMode.record(1);
    log.warn('the shared rate limits are lost; each process counts alone');
  });
  breaker.onReset(() => {
    localMode.record(0);
    log.info('the shared rate limits are back');
  });

  return {
    isShared: () => breaker.state === CircuitState.Closed,
    async take(charges) {
      // While a probe is under way cockatiel lets further calls wait for its outcome; a request cannot.
      if (breaker.state !== CircuitState.HalfOpen) {
        try {
          return await breaker.execute(() => shared.take(charges));
        } catch {
          // Whatever it was, the request is judged all the same.
        }
      }
      storeErrors.add(1);
      return { ...(await local.take(charges)), isLocal: true };
    },
  };
}
