import type { PageTokens } from '@ordermesh/contract';
import type { OrderViewReader, ViewNotifier } from '@ordermesh/read-model';
import type { ReadCache } from './read-cache.ts';

/** A store of views, with who tells how far it is. */
export interface ViewStore {
  readonly name: 'postgresql' | 'elasticsearch';
  readonly reader: OrderViewReader;
  readonly notifier: ViewNotifier;
}

/** What every query works with. */
export interface Views {
  /** Where single orders and lists are read, and searches if there is no other store. */
  readonly postgresql: ViewStore;
  /** Where searches are read; each of the two stands in for the other. */
  readonly elasticsearch?: ViewStore | undefined;
  /** In front of the lookups of single orders. */
  readonly cache?: ReadCache | undefined;
  readonly tokens: PageTokens;
  /** Partitions of the bus. */
  readonly partitions: number;
  /** Longest wait for a view that has to contain a write. */
  readonly minVersionWaitMs: number;
}

/** The stores for single orders and lists, the best first. */
export const lookupStores = ({ postgresql, elasticsearch }: Views): readonly ViewStore[] =>
  elasticsearch ? [postgresql, elasticsearch] : [postgresql];

/** The stores for searches, the best first. */
export const searchStores = ({ postgresql, elasticsearch }: Views): readonly ViewStore[] =>
  elasticsearch ? [elasticsearch, postgresql] : [postgresql];
