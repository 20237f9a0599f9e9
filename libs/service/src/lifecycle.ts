/** The phases of a process: not yet serving, serving, told to end. */
export type LifeState = 'starting' | 'ready' | 'stopping';

/** The life of one process, as `runProcess` hands it to the body. */
export interface Lifecycle {
  /** The process's short name, `command`. */
  readonly name: string;
  readonly state: LifeState;
  /** Aborted when the process is told to end; pass it to whatever waits or loops. */
  readonly signal: AbortSignal;
  /** Resolves, with the signal's name, when the process is told to end. Never rejects. */
  readonly stopping: Promise<string>;
  /** Everything is acquired: readiness checks may pass from now on. Without effect once the process is stopping. */
  ready(): void;
  /**
   * Gives a resource a name, so that a drain that takes too long can say what it is waiting for. Returns the same
   * object: `await using store = life.named('event store', await openStore())`. It replaces the object's own
   * `Symbol.asyncDispose`, so the object must not be frozen.
   */
  named<T extends AsyncDisposable>(name: string, resource: T): T;
}

/** A lifecycle with the switches that only its process turns. */
export interface ControlledLifecycle extends Lifecycle {
  /** Moves to `stopping`; later calls do nothing. */
  stop(reason: string): void;
  /** The names of the resources that are being closed right now. */
  closing(): readonly string[];
}

/** Makes the lifecycle of a process, in state `starting`. */
export function createLifecycle(name: string): ControlledLifecycle {
  const controller = new AbortController();
  const stopping = Promise.withResolvers<string>();
  const closing = new Set<string>();
  let state: LifeState = 'starting';
  return {
    name,
    signal: controller.signal,
    stopping: stopping.promise,
    get state() {
      return state;
    },
    ready: () => {
      if (state === 'starting') state = 'ready';
    },
    stop: (reason) => {
      if (state === 'stopping') return;
      state = 'stopping';
      controller.abort(new DOMException(`stopping: ${reason}`, 'AbortError'));
      stopping.resolve(reason);
    },
    closing: () => [...closing],
    named: (resourceName, resource) => {
      const dispose = resource[Symbol.asyncDispose];
      Object.defineProperty(resource, Symbol.asyncDispose, {
        value: async () => {
          closing.add(resourceName);
          await dispose.call(resource);
          closing.delete(resourceName);
        },
      });
      return resource;
    },
  };
}
