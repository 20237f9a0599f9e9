import { setTimeout as sleep } from 'node:timers/promises';
import { ReasonError } from '@ordermesh/contract';
import type { CallContext } from '@ordermesh/rpc';
import type { CustomerHandlers } from './customer-service.ts';

/** How this service misbehaves on purpose. */
export interface Faults {
  /** Every call waits this long first, in milliseconds; not longer than it has. */
  readonly latencyMs: number;
  /** Share of the calls that then fail with UNAVAILABLE, from 0 to 1. */
  readonly failRatio: number;
}

/** Faults that can be changed while calls run; a call takes those of the moment it begins. */
export interface FaultSwitch {
  current: Faults;
}

/** No faults to begin with. */
export function faultSwitch(): FaultSwitch {
  return { current: { latencyMs: 0, failRatio: 0 } };
}

/**
 * The same handlers behind the faults of `faults`.
 * @param random uniform in [0, 1)
 */
export function withFaults(
  handlers: CustomerHandlers,
  faults: FaultSwitch,
  random: () => number,
): CustomerHandlers {
  const faulty =
    <I, O>(handle: (request: I, call: CallContext) => Promise<O>) =>
    async (request: I, call: CallContext) => {
      await strike(faults.current, random, call.signal);
      return handle(request, call);
    };
  return {
    registerCustomer: faulty(handlers.registerCustomer),
    getCustomer: faulty(handlers.getCustomer),
    batchGetCustomers: faulty(handlers.batchGetCustomers),
  };
}

async function strike(faults: Faults, random: () => number, signal: AbortSignal): Promise<void> {
  if (faults.latencyMs > 0) await sleep(faults.latencyMs, undefined, { signal });
  if (random() < faults.failRatio)
    throw new ReasonError('DEPENDENCY_UNAVAILABLE', 'This call fails on purpose: see /faults.');
}
