import { Client } from '@elastic/elasticsearch';
import { testIndexPrefix } from '@ordermesh/testing';
import { inject } from 'vitest';
import { postgresViewNotifier } from '../postgres/notifier.ts';
import { openPostgresStore } from '../postgres/open-test-store.ts';
import { postgresAnnouncer } from '../postgres/view-announcer.ts';
import type { ViewStore } from '../testing/view-store.ts';
import { viewIndices } from './indices.ts';
import { prepareElasticsearchView } from './prepare.ts';
import { elasticsearchViewReader } from './reader.ts';
import { elasticsearchViewWriter } from './writer.ts';

/** A store of views in indices of its own, with a plain client for what the ports do not show. */
export interface ElasticsearchTestStore extends ViewStore {
  readonly url: string;
  readonly projection: string;
  readonly client: Client;
}

/** Opens a store on the test run's node, whose notifiers hear of writes through a database of the run's PostgreSQL. */
export async function openElasticsearchStore(): Promise<ElasticsearchTestStore> {
  await using opened = new AsyncDisposableStack();
  const url = inject('elasticsearchUrl');
  const projection = `${testIndexPrefix()}orders@000001`;
  const indices = Object.values(viewIndices(projection)).map(({ index }) => index);
  const client = new Client({ node: url });
  opened.defer(async () => {
    await client.indices.delete({ index: indices, ignore_unavailable: true });
    await client.close();
  });
  await prepareElasticsearchView({ url, projection }, AbortSignal.timeout(60_000));
  const channel = opened.use(await openPostgresStore());
  const onError = () => undefined; // the tests cut connections
  const announcer = opened.use(
    postgresAnnouncer({ url: channel.url, projection, name: 'test-announcer', onError }),
  );
  const { announce } = announcer;
  const options = { url, projection, timeoutMs: 30_000 };
  const writer = opened.use(elasticsearchViewWriter({ ...options, announce }));
  const reader = opened.use(elasticsearchViewReader(options));
  const closing = opened.move();
  return {
    url,
    projection,
    client,
    writer,
    reader,
    notifier: (pollMs) =>
      postgresViewNotifier({ url: channel.url, reader, projection, pollMs, onError }),
    settle: async () => {
      await client.indices.refresh({ index: indices });
    },
    cutNotifiers: channel.cutNotifiers,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}
