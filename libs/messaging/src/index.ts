// The port.
export type { Batch, BatchHandler, Bus, ConsumeOptions, Consumer } from './bus.ts';

// The log itself as the bus.
export { type EmbeddedBusOptions, embeddedBus } from './embedded/embedded-bus.ts';
export { leaseMigrations } from './leased/lease-schema.ts';
