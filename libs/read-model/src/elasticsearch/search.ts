import type { estypes } from '@elastic/elasticsearch';
import type { Connection } from './connection.ts';
import { ElasticsearchUnavailableError } from './errors.ts';

/**
 * Searches through an alias. All shards or none, in time: a partial answer would be a page that lacks orders.
 * @throws ElasticsearchUnavailableError when the time was over, or the client's error
 */
export async function search<T>(
  connection: Connection,
  alias: string,
  request: estypes.SearchRequest,
  signal?: AbortSignal,
): Promise<estypes.SearchHit<T>[]> {
  const { timeoutMs } = connection;
  const { hits, timed_out } = await connection.send(
    (client, options) =>
      client.search<T>(
        {
          index: alias,
          ...request,
          timeout: `${timeoutMs}ms`, // ends the work in the node, too, when nobody waits any more
          track_total_hits: false,
          allow_partial_search_results: false,
        },
        options,
      ),
    signal,
  );
  if (timed_out) throw new ElasticsearchUnavailableError(`no answer within ${timeoutMs} ms`);
  return hits.hits;
}
