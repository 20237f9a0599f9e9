import { type Elasticsearch, type Kafka, startElasticsearch, startKafka } from '@ordermesh/engines';

/** Kafka and Elasticsearch of one mesh: its topic and its indices have fixed names, so two meshes cannot share them. */
export interface RealEngines extends AsyncDisposable {
  readonly kafka: Kafka;
  readonly elasticsearch: Elasticsearch;
  /** What tells the mesh where they are. */
  readonly env: Readonly<Record<'KAFKA_BROKERS' | 'ELASTICSEARCH_URL', string>>;
}

/** Starts both at once, on free ports and empty. They belong to the caller, not to the supervisor: a test kills and starts them as it wants. */
export async function startRealEngines(): Promise<RealEngines> {
  await using started = new AsyncDisposableStack();
  const [kafka, elasticsearch] = await Promise.allSettled([
    startKafka().then((kafka) => started.use(kafka)),
    startElasticsearch().then((elasticsearch) => started.use(elasticsearch)),
  ]);
  if (kafka.status === 'rejected') throw kafka.reason;
  if (elasticsearch.status === 'rejected') throw elasticsearch.reason;
  const owned = started.move();
  return {
    kafka: kafka.value,
    elasticsearch: elasticsearch.value,
    env: {
      KAFKA_BROKERS: kafka.value.brokers,
      ELASTICSEARCH_URL: elasticsearch.value.url,
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
