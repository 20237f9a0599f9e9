import { setTimeout as sleep } from 'node:timers/promises';
import type { PostgresEventStore } from '@ordermesh/event-store-postgres';
import { counter, logger } from '@ordermesh/telemetry';

const purged = counter('ordermesh.idempotency.purged', {
  description: 'Idempotency keys forgotten.',
});
const log = logger('idempotency');
const everyMs = 10 * 60_000;

/** Forgets idempotency keys older than the retention, every ten minutes, until disposed. A failed round is tried again at the next. */
export function purgeIdempotency(store: PostgresEventStore, retentionMs: number): AsyncDisposable {
  const controller = new AbortController();
  const loop = async () => {
    while (!controller.signal.aborted) {
      try {
        purged.add(await store.purgeIdempotency(new Date(Date.now() - retentionMs)));
      } catch (err) {
        log.warn({ err }, 'idempotency keys could not be purged; trying again in ten minutes');
      }
      await sleep(everyMs, undefined, { signal: controller.signal }).catch(() => undefined);
    }
  };
  const running = loop();
  return {
    async [Symbol.asyncDispose]() {
      controller.abort();
      await running;
    },
  };
}
