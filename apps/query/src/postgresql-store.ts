import type { OrderViewReader, ViewNotifier } from '@ordermesh/read-model';
import { policy } from '@ordermesh/resilience';
import type { ViewStore } from './views.ts';

/**
 * PostgreSQL as the store of views, for lookups that have something to fall back to: one that hangs ends early enough to ask another store, and a
 * server that is known to be down is not asked. Lists and searches may take longer, and have their caller's deadline only.
 */
export function postgresqlStore(reader: OrderViewReader, notifier: ViewNotifier): ViewStore {
  const guard = policy({
    name: 'postgresql',
    // With Elasticsearch's 800 ms less than the 2 s that callers wait by default; a lookup takes about 1 ms.
    timeoutMs: 1_000,
    failureThreshold: 5,
    openMs: 1_000,
    maxConcurrent: 512,
  });
  const get: OrderViewReader['get'] = (orderId, caller) =>
    guard.execute((signal) => reader.get(orderId, signal), { signal: caller });
  return { name: 'postgresql', reader: { ...reader, get }, notifier };
}
