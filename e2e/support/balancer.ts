import { setTimeout as delay } from 'node:timers/promises';
import type { Instance } from './fleet.ts';

/** Spreads requests over the gateways whose `/readyz` says so, as a load balancer does that asks them twice a second. */
export interface Balancer extends AsyncDisposable {
  /** The gateway for the next request. @throws when none is ready */
  next(): string;
  /** Whether requests go to it at present. */
  has(gateway: Instance): boolean;
}

/** Starts asking them, and resolves when each has been asked once. */
export async function startBalancer(gateways: readonly Instance[]): Promise<Balancer> {
  const stopped = new AbortController();
  let ready: readonly Instance[] = [];
  let turn = 0;
  const ask = async () => {
    const answers = await Promise.all(
      gateways.map(({ admin }) =>
        fetch(`${admin}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        ),
      ),
    );
    ready = gateways.filter((_, i) => answers[i]);
  };
  await ask();
  const asking = (async () => {
    while (!stopped.signal.aborted) {
      await ask();
      await delay(200, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  })();
  return {
    has: (gateway) => ready.includes(gateway),
    next() {
      const gateway = ready[turn++ % ready.length];
      if (gateway === undefined) throw new Error('no gateway is ready');
      return gateway.url;
    },
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await asking;
    },
  };
}
