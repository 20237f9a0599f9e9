import { setTimeout as sleep } from 'node:timers/promises';
import type { PostgresEventStore } from '@ordermesh/event-store-postgres';
import { counter, logger } from '@ordermesh/telemetry';

const purged = counter('ordermesh.idempotency.purged', {
  description: 'Idempotency keys forgotten.',
  unit: '{key}',
});
const log = logger('idempotency');

/**
 * Forgets idempotency keys older than the retention, at once and then every ten minutes, until disposed. A failed round is tried again at the
 * next.
 */
export function purgeIdempotency(
  store: Pick<PostgresEventStore, 'purgeIdempotency'>,
  retentionMs: number,
  everyMs = 10 * 60_000,
): AsyncDisposable {
  const stop = new AbortController();
  const loop = async () => {
    while (!stop.signal.aborted) {
      try {
        const olderThan = new Date(Date.now() - retentionMs);
        purged.add(await store.purgeIdempotency(olderThan, stop.signal));
      } catch (err) {
        if (!stop.signal.aborted)
          log.warn({ err }, 'idempotency keys could not be purged; trying again later');
      }
      await sleep(everyMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  };
  const running = loop();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}
