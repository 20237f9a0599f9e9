// The port.
export type { Batch, BatchHandler, Bus, ConsumeOptions, Consumer } from './bus.ts';
// Which bus a process uses.
export { busSettings, type ChosenBus, chosenBus } from './config.ts';
// Whether the log is still the one that was read.
export { logDiverged } from './divergence-gauge.ts';

// The log itself as the bus.
export { awaitLog } from './embedded/await-log.ts';
export { type EmbeddedBusOptions, embeddedBus } from './embedded/embedded-bus.ts';
// Kafka.
export { type KafkaBusOptions, kafkaBus } from './kafka/kafka-bus.ts';
export { type KafkaPublisherOptions, kafkaPublisher } from './kafka/kafka-publisher.ts';
export { leaseMigrations } from './leased/lease-schema.ts';

// For the relay.
export type { Publisher, ReadPartition } from './publisher.ts';

// Redis Streams.
export { type RedisBusOptions, redisBus } from './redis/redis-bus.ts';
export { type RedisPublisherOptions, redisPublisher } from './redis/redis-publisher.ts';
