import type { Consumer } from '@ordermesh/messaging';
import {
  elasticsearchProjection,
  elasticsearchViewWriter,
  type OrderViewWriter,
  postgresAnnouncer,
  prepareElasticsearchView,
} from '@ordermesh/read-model';
import { logger } from '@ordermesh/telemetry';

const log = logger('elasticsearch');

/** The second projection. Disposing ends it. */
export interface ElasticsearchView extends AsyncDisposable {
  /** Never resolves; rejects with what an operator has to mend (a foreign mapping) and with what keeps the consumer from starting. */
  readonly failed: Promise<never>;
}

/**
 * Projects into Elasticsearch as soon as it can be reached: in the background, because its outage must not hold up the views in PostgreSQL.
 * Undefined without a URL.
 * @param viewUrl database over which query services hear how far this projection is
 * @param project starts a consumer that writes to these views
 */
export function elasticsearchView(
  url: string | undefined,
  viewUrl: string,
  project: (name: string, views: OrderViewWriter) => Promise<Consumer>,
): ElasticsearchView | undefined {
  if (url === undefined) return undefined;
  const stop = new AbortController();
  const opened = new AsyncDisposableStack();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined); // also when nobody looks any more

  async function start(url: string): Promise<void> {
    const onWaiting = (err: unknown) => log.warn({ err }, 'Elasticsearch is away; waiting for it');
    await prepareElasticsearchView({ url, onWaiting }, stop.signal);
    const announcer = opened.use(
      postgresAnnouncer({
        url: viewUrl,
        projection: elasticsearchProjection,
        name: 'ordermesh-projector-announce',
        onError: (err) => log.debug({ err }, 'a checkpoint was not announced; readers poll'),
      }),
    );
    const { announce } = announcer;
    const views = opened.use(elasticsearchViewWriter({ url, announce }));
    opened.use(await project(elasticsearchProjection, views));
    log.info('projecting into Elasticsearch');
  }

  const starting = start(url).catch((error: unknown) => {
    if (!stop.signal.aborted) failed.reject(error);
  });
  return {
    failed: failed.promise,
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the projection is stopped'));
      await starting;
      await opened.disposeAsync();
    },
  };
}
