import type { EventStore } from '../event-store.ts';

/** What an adapter gives to the suite. */
export interface EventStoreFixture extends AsyncDisposable {
  readonly store: EventStore;
  /** The same log through other connections, as another process has it. */
  readonly other: EventStore;
  /** Deletes the snapshots of all streams, or replaces the text of all by something else. */
  damageSnapshots(text?: string): Promise<void>;
}
