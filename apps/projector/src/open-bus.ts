import {
  awaitLog,
  type Bus,
  type ChosenBus,
  embeddedBus,
  kafkaBus,
  redisBus,
} from '@ordermesh/messaging';

/** A bus with what it needs besides: the embedded one is the log itself. */
export type LocatedBus =
  | Exclude<ChosenBus, { readonly kind: 'embedded' }>
  | { readonly kind: 'embedded'; readonly logUrl: string };

/** What the buses share. */
export interface OpenBusOptions {
  readonly viewUrl: string;
  readonly partitions: number;
}

/** The partitions of a killed projector stand still for so long; on Kafka for the shortest session that a cluster accepts by default. */
const leaseMs = 3_000;
const sessionTimeoutMs = 6_000;

/** The bus that the settings chose. @throws the signal's reason, while it waits for the log */
export async function openBus(
  chosen: LocatedBus,
  { viewUrl, partitions }: OpenBusOptions,
  signal: AbortSignal,
): Promise<Bus> {
  switch (chosen.kind) {
    case 'kafka':
      return kafkaBus({ brokers: chosen.brokers, partitions, sessionTimeoutMs });
    case 'redis':
      return redisBus({ url: chosen.url, viewUrl, partitions, leaseMs });
    case 'embedded':
      await awaitLog(chosen.logUrl, signal); // on a first start the command service is still making what this bus reads
      return embeddedBus({ logUrl: chosen.logUrl, viewUrl, partitions, leaseMs });
  }
}
