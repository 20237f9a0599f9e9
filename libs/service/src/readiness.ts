import type { LifeState } from './lifecycle.ts';

/** A check passes by resolving and fails by throwing; it gets a signal that aborts when its second is over. */
export type ReadinessCheck = (signal: AbortSignal) => void | Promise<void>;

/** Readiness checks by name. */
export type ReadinessChecks = Readonly<Record<string, ReadinessCheck>>;

/** The body of `/readyz`. */
export interface Readiness {
  readonly ready: boolean;
  readonly state: LifeState;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly error?: string }>>;
}

const checkTimeoutMs = 1000;

/**
 * Runs all checks at the same time, each with a second at most, also when it does not heed its signal. Ready is a
 * process in state `ready` whose checks all pass.
 */
export async function readiness(state: LifeState, checks: ReadinessChecks): Promise<Readiness> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await outcome(check)] as const),
  );
  return {
    ready: state === 'ready' && results.every(([, { ok }]) => ok),
    state,
    checks: Object.fromEntries(results),
  };
}

async function outcome(check: ReadinessCheck): Promise<{ ok: boolean; error?: string }> {
  const controller = new AbortController();
  const { promise: overdue, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const timeout = new Error(`no answer within ${checkTimeoutMs} ms`);
    controller.abort(timeout);
    reject(timeout);
  }, checkTimeoutMs);
  try {
    await Promise.race([check(controller.signal), overdue]);
    return { ok: true };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
