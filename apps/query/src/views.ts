import type { PageTokens } from '@ordermesh/contract';
import type { OrderViewReader, ViewNotifier } from '@ordermesh/read-model';

/** What every query works with. */
export interface Views {
  readonly reader: OrderViewReader;
  readonly notifier: ViewNotifier;
  readonly tokens: PageTokens;
  /** Partitions of the bus. */
  readonly partitions: number;
  /** Longest wait for a view that has to contain a write. */
  readonly minVersionWaitMs: number;
}
