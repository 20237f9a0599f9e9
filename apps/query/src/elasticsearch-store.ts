import {
  elasticsearchProjection,
  elasticsearchViewReader,
  postgresViewNotifier,
} from '@ordermesh/read-model';
import { policy } from '@ordermesh/resilience';
import { guardedReader } from './guarded-reader.ts';
import type { ViewStore } from './views.ts';

/**
 * Elasticsearch as a store of views; undefined without a URL. Its projector announces itself on the PostgreSQL of the views. Connects lazily, so a
 * query service starts without it.
 * @param viewUrl database of the views
 * @param onError told about what heals by itself
 */
export function elasticsearchStore(
  url: string | undefined,
  viewUrl: string,
  onError: (error: unknown) => void,
): (ViewStore & AsyncDisposable) | undefined {
  if (url === undefined) return undefined;
  const reader = elasticsearchViewReader({ url });
  const notifier = postgresViewNotifier({
    url: viewUrl,
    reader,
    projection: elasticsearchProjection,
    onError,
  });
  // Less than half of the 2 s that callers wait by default: the rest is for PostgreSQL.
  const guard = policy({
    name: 'elasticsearch',
    timeoutMs: 800,
    failureThreshold: 3,
    openMs: 2_000,
    maxConcurrent: 64,
  });
  return {
    name: 'elasticsearch',
    reader: guardedReader(reader, guard),
    notifier,
    async [Symbol.asyncDispose]() {
      await notifier[Symbol.asyncDispose]();
      await reader[Symbol.asyncDispose]();
    },
  };
}
