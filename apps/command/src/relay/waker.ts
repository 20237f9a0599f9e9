/** Lets one loop sleep until there is something to look at. */
export interface Waker {
  /** There may be something new. Never lost: also when nobody sleeps. */
  wake(): void;
  /** To be called before looking: what is new from now on wakes. */
  looking(): void;
  /** Resolves when woken since {@link looking}, after `ms`, or when the signal fires. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** A waker that is awake. */
export function waker(): Waker {
  let isAwake = true;
  let rouse = () => {};
  return {
    wake() {
      isAwake = true;
      rouse();
    },
    looking() {
      isAwake = false;
    },
    async sleep(ms, signal) {
      if (isAwake || signal.aborted) return;
      const woken = Promise.withResolvers<void>();
      rouse = () => woken.resolve();
      const own = rouse;
      const timer = setTimeout(own, ms);
      signal.addEventListener('abort', own, { once: true });
      await woken.promise;
      clearTimeout(timer);
      signal.removeEventListener('abort', own);
    },
  };
}
