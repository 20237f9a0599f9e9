import { ConfigError, custom, oneOf } from '@ordermesh/service';

/** The settings of every process that publishes or consumes. */
export const busSettings = {
  bus: oneOf('BUS', ['embedded', 'kafka'], {
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
};

/** Which bus a process uses, and where it is. */
export type ChosenBus =
  | { readonly kind: 'embedded' }
  | { readonly kind: 'kafka'; readonly brokers: readonly string[] };

/** @throws ConfigError when KAFKA_BROKERS is needed and missing */
export function chosenBus({
  bus,
  kafkaBrokers,
}: {
  readonly bus: 'embedded' | 'kafka' | undefined;
  readonly kafkaBrokers: readonly string[] | undefined;
}): ChosenBus {
  const kind = bus ?? (kafkaBrokers === undefined ? 'embedded' : 'kafka');
  if (kind === 'embedded') return { kind };
  if (kafkaBrokers === undefined) {
    throw new ConfigError(['KAFKA_BROKERS is not set, but BUS is kafka: it must be host:port,…']);
  }
  return { kind, brokers: kafkaBrokers };
}
