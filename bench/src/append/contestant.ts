import type { Client } from 'pg';
import type { Work } from './workload.ts';

/** A way to append events to PostgreSQL. */
export interface Contestant {
  /** In the tables. */
  readonly name: string;
  /** What it was told, to be printed. */
  readonly settings: string;
  /** Events per call; 1 unless said. */
  readonly eventsPerCall?: number;
  /** How many callers it has where there should be `callers`; 0: it is not for so many. All by default. */
  readonly callersFor?: (callers: number) => number;
  /** Connects to a database, which gets its schema if it has none. */
  open(url: string): Promise<Appender>;
  /** Gives the empty database so many events, as if it had appended them: streams of {@link filledLength}. */
  fill(client: Client, events: number): Promise<void>;
  /** How to find in the database what was appended. */
  readonly stored: Stored;
}

/** An open contestant. */
export interface Appender extends AsyncDisposable {
  /** Makes a caller. A call resolves when its event is durable. @throws when it is not */
  caller(next: () => Work): () => Promise<unknown>;
}

/** What {@link checkStored} counts. */
export interface Stored {
  /** A relation or subquery with `stream_id`, `version`, `position`. */
  readonly events: string;
  /** Whether positions are promised to be 1..n. */
  readonly dense: boolean;
  /** Tables with one row per appended event, from this run on. */
  readonly beside: readonly string[];
}
