import {
  type Elasticsearch,
  type Kafka,
  type Redis,
  startElasticsearch,
  startKafka,
  startRedis,
} from '@ordermesh/engines';

/** Kafka, Elasticsearch and Redis of one mesh: its topic and its indices have fixed names, so two meshes cannot share them. */
export interface RealEngines extends AsyncDisposable {
  readonly kafka: Kafka;
  readonly elasticsearch: Elasticsearch;
  readonly redis: Redis;
  /** What tells the mesh where they are. */
  readonly env: Readonly<Record<'KAFKA_BROKERS' | 'ELASTICSEARCH_URL' | 'REDIS_URL', string>>;
}

/** Starts all at once, on free ports and empty. They belong to the caller, not to the supervisor: a test kills and starts them as it wants. */
export async function startRealEngines(): Promise<RealEngines> {
  await using started = new AsyncDisposableStack();
  const [kafka, elasticsearch, redis] = await Promise.allSettled([
    startKafka().then((kafka) => started.use(kafka)),
    startElasticsearch().then((elasticsearch) => started.use(elasticsearch)),
    startRedis().then((redis) => started.use(redis)),
  ]);
  if (kafka.status === 'rejected') throw kafka.reason;
  if (elasticsearch.status === 'rejected') throw elasticsearch.reason;
  if (redis.status === 'rejected') throw redis.reason;
  const owned = started.move();
  return {
    kafka: kafka.value,
    elasticsearch: elasticsearch.value,
    redis: redis.value,
    env: {
      KAFKA_BROKERS: kafka.value.brokers,
      ELASTICSEARCH_URL: elasticsearch.value.url,
      REDIS_URL: redis.value.url,
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
