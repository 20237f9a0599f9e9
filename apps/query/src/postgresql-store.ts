import type { OrderViewReader, ViewNotifier } from '@ordermesh/read-model';
import type { Policy } from '@ordermesh/resilience';
import type { ViewStore } from './views.ts';

/**
 * PostgreSQL as the store of views. A lookup that hangs ends early enough to ask another store or to be told so, and a server that is known to be down
 * is not asked. Lists and searches may take longer, and have their caller's deadline only.
 */
export function postgresqlStore(
  reader: OrderViewReader,
  notifier: ViewNotifier,
  guard: Policy,
): ViewStore {
  const get: OrderViewReader['get'] = (orderId, owner, caller) =>
    guard.execute(({ signal }) => reader.get(orderId, owner, signal), { signal: caller });
  return { name: 'postgresql', reader: { ...reader, get }, notifier };
}
