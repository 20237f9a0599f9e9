import { setTimeout as delay } from 'node:timers/promises';
import type { Instance } from './fleet.ts';

/** Spreads requests over the gateways whose `/readyz` says so, as a load balancer does that asks them ten times a second. */
export interface Balancer extends AsyncDisposable {
  /** The gateway for the next request. @throws when none is ready */
  next(): string;
  /** Whether requests go to it at present. */
  has(gateway: Instance): boolean;
}

/** Starts asking them, and resolves when each has been asked once. */
export async function startBalancer(gateways: readonly Instance[]): Promise<Balancer> {
  const stopped = new AbortController();
  const ready = new Set<Instance>();
  let turn = 0;
  const ask = async (gateway: Instance) => {
    const isReady = await fetch(`${gateway.admin}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) ready.add(gateway);
    else ready.delete(gateway);
  };
  await Promise.all(gateways.map(ask));
  const asking = gateways.map(async (gateway) => {
    while (!stopped.signal.aborted) {
      await ask(gateway);
      await delay(100, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  });
  return {
    has: (gateway) => ready.has(gateway),
    next() {
      const gateway = [...ready][turn++ % ready.size];
      if (gateway === undefined) throw new Error('no gateway is ready');
      return gateway.url;
    },
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await Promise.all(asking);
    },
  };
}
