import { ConfigError, custom, oneOf, redisUrl } from '@ordermesh/service';

/** The settings of every process that publishes or consumes. */
export const busSettings = {
  bus: oneOf('BUS', ['embedded', 'kafka', 'redis'], {
    doc: 'What carries the events. Default: kafka when KAFKA_BROKERS is set, else embedded, the log itself.',
    optional: true,
  }),
  kafkaBrokers: custom<readonly string[], { readonly doc: string; readonly optional: true }>(
    'KAFKA_BROKERS',
    {
      doc: 'Brokers to begin with.',
      expects: 'host:port, separated by commas',
      optional: true,
      parse: (value) => {
        const brokers = value.split(',').map((broker) => broker.trim());
        return brokers.every((broker) => /^[^\s:/]+:\d{1,5}$/.test(broker)) ? brokers : undefined;
      },
    },
  ),
  redisUrl,
};

/** Which bus a process uses, and where it is. */
export type ChosenBus =
  | { readonly kind: 'embedded' }
  | { readonly kind: 'kafka'; readonly brokers: readonly string[] }
  | { readonly kind: 'redis'; readonly url: string };

/** @throws ConfigError when KAFKA_BROKERS or REDIS_URL is needed and missing */
export function chosenBus({
  bus,
  kafkaBrokers,
  redisUrl,
}: {
  readonly bus: ChosenBus['kind'] | undefined;
  readonly kafkaBrokers: readonly string[] | undefined;
  readonly redisUrl: string | undefined;
}): ChosenBus {
  const kind = bus ?? (kafkaBrokers === undefined ? 'embedded' : 'kafka');
  switch (kind) {
    case 'embedded':
      return { kind };
    case 'kafka':
      if (kafkaBrokers !== undefined) return { kind, brokers: kafkaBrokers };
      throw new ConfigError(['KAFKA_BROKERS is not set, but BUS is kafka: it must be host:port,…']);
    case 'redis':
      if (redisUrl !== undefined) return { kind, url: redisUrl };
      throw new ConfigError([
        'REDIS_URL is not set, but BUS is redis: it must be redis://host:port, or rediss:// for TLS',
      ]);
  }
}
