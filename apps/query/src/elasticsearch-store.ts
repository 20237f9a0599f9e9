import {
  elasticsearchProjection,
  elasticsearchViewReader,
  postgresViewNotifier,
} from '@ordermesh/read-model';
import { guardedReader } from './guarded-reader.ts';
import type { Guarded } from './store-policies.ts';
import type { ViewStore } from './views.ts';

/**
 * Elasticsearch as a store of views; undefined without a server. Its projector announces itself on the PostgreSQL of the views. Connects lazily, so a
 * query service starts without it.
 * @param viewUrl database of the views
 * @param onError told about what heals by itself
 */
export function elasticsearchStore(
  server: Guarded | undefined,
  viewUrl: string,
  onError: (error: unknown) => void,
): (ViewStore & AsyncDisposable) | undefined {
  if (server === undefined) return undefined;
  const { url, guard } = server;
  const reader = elasticsearchViewReader({ url });
  const notifier = postgresViewNotifier({
    url: viewUrl,
    reader,
    projection: elasticsearchProjection,
    onError,
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
