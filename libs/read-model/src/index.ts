// Cache.
export { type CacheWrites, cacheWrites } from './cache-writes.ts';
// From events to views: pure.

export { type DeadLetter, deadLetter } from './dead-letter.ts';
export { type DecodedEvent, decodeEvent, isOrderId } from './decode-event.ts';
// Elasticsearch.
export type { ElasticsearchViewOptions } from './elasticsearch/connection.ts';
export { ElasticsearchUnavailableError, isElasticsearchPassing } from './elasticsearch/errors.ts';
export { elasticsearchProjection } from './elasticsearch/indices.ts';
export {
  type PrepareElasticsearchOptions,
  prepareElasticsearchView,
} from './elasticsearch/prepare.ts';
export {
  type ElasticsearchReaderOptions,
  elasticsearchViewReader,
} from './elasticsearch/reader.ts';
export {
  type ElasticsearchWriterOptions,
  elasticsearchViewWriter,
} from './elasticsearch/writer.ts';
export { applyEvent, evolveView, isDuplicate } from './evolve-view.ts';
// Ports.
export {
  type Keyset,
  type ListOrders,
  type OrderBy,
  type OrderPage,
  type OrderViewReader,
  orderBys,
  type SearchOrders,
} from './order-view-reader.ts';
export type {
  IncompleteRequest,
  LetterMessage,
  OrderViewWriter,
  ParkedOrder,
  ViewBatch,
} from './order-view-writer.ts';
export { isShownTo, type Owner } from './owner.ts';
export { PoisonError, type PoisonKind } from './poison-error.ts';
// PostgreSQL.
export { postgresViewMigrations } from './postgres/migrations.ts';
export { type PostgresNotifierOptions, postgresViewNotifier } from './postgres/notifier.ts';
export { postgresProjection } from './postgres/projection.ts';
export { postgresViewReader } from './postgres/reader.ts';
export { postgresAnnouncer, type ViewAnnouncer } from './postgres/view-announcer.ts';
export { viewOrigin } from './postgres/view-origin.ts';
export type { PostgresViewOptions } from './postgres/view-pool.ts';
export { postgresViewWriter } from './postgres/writer.ts';
// Redis.
export { type RedisViewCacheOptions, redisViewCache } from './redis/view-cache.ts';
export { RefusedViewsError } from './refused-views-error.ts';
export { searchWords } from './search-words.ts';
export type { StoredOrder } from './stored-order.ts';
export type { CachedView, ViewCache } from './view-cache.ts';
export type { AwaitedOrder, ViewNotifier } from './view-notifier.ts';
export { customerRevisions, maxCustomerRevision, viewRevision } from './view-revision.ts';
export { ViewsLostError } from './views-lost-error.ts';
export { type CustomerLookup, withCustomer } from './with-customer.ts';
