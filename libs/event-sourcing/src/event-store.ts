import type { ExpectedVersion } from './expected-version.ts';
import type { Idempotency, StoredAnswer } from './idempotency.ts';
import type { EventToAppend, StoredEvent } from './recorded-event.ts';

/** One command's events. */
export interface Append {
  /** UUID, lower case. */
  readonly streamId: string;
  /** Compared with what is stored when the events are stored. */
  readonly expected: ExpectedVersion;
  /** At least one. */
  readonly events: readonly EventToAppend[];
  /** Remembered with the events, together with the answer to give to the same request later. */
  readonly idempotency?: Idempotency & { readonly response: Uint8Array };
}

/** What became of one {@link Append}. */
export type AppendOutcome =
  | {
      readonly type: 'appended';
      /** Of the last event. */
      readonly version: number;
      readonly partition: number;
      readonly position: bigint;
    }
  /** The stream is not at the expected version but at this one, 0 if there is none. Nothing was stored. */
  | { readonly type: 'conflict'; readonly actual: number }
  /** The key belongs to an earlier command with the same request. Nothing was stored. */
  | { readonly type: 'replayed'; readonly answer: StoredAnswer }
  /** The key belongs to an earlier command with another request. Nothing was stored. */
  | { readonly type: 'key_reused' };

/** A folded state, kept so that loading need not begin at the first event. */
export interface Snapshot {
  /** UUID, lower case. */
  readonly streamId: string;
  /** Of the last event in it, 1..n. */
  readonly version: number;
  /** {@link StateCodec.schemaHash}. */
  readonly schemaHash: string;
  /** Encoded; the store keeps it exactly. */
  readonly state: string;
}

/** A stream from its snapshot on. */
export interface FromSnapshot {
  /** Undefined when there is none of the schema that was asked for. */
  readonly snapshot: Pick<Snapshot, 'version' | 'state'> | undefined;
  /** True when there is one, but of another schema: it was passed over. */
  readonly otherSchema: boolean;
  /** Beyond the snapshot, oldest first; all without one. */
  readonly events: readonly StoredEvent[];
}

/**
 * The log, as commands need it.
 *
 * Guarantees: a command's events are stored together or not at all, with its key. Outcomes are decided on what is stored, one after the other,
 * across all processes: of any number of commands that expect the same version one is appended, of any number with one key one is appended
 * and the others see its answer. Positions are dense, 1..n, in the order in which they become visible.
 */
export interface EventStore {
  /**
   * Stores a command's events, or not. A key outranks the expected version. The store groups commands that arrive together, so callers append each
   * command on its own, as many at a time as they have.
   * @param signal drops a command that was not sent yet: nothing happens. One that was sent goes on without its caller, and may be stored
   * @throws the signal's reason; otherwise what says whether anything was stored: the command cannot be stored whatever the others are (e.g. an event
   * is too large), the store is unavailable or overloaded (nothing happened), or the outcome is unknown
   */
  append(command: Append, signal?: AbortSignal): Promise<AppendOutcome>;
  /**
   * A stream's events beyond a version, oldest first; none if there is no such stream.
   * @param after 0 for all
   */
  readStream(
    streamId: string,
    after: number,
    signal?: AbortSignal,
  ): Promise<readonly StoredEvent[]>;
  /**
   * A stream's snapshot and the events beyond it, in one query, so that they belong together.
   * @param schemaHash of the state that the caller reads; a snapshot with another one counts as none
   */
  readFromSnapshot(
    streamId: string,
    schemaHash: string,
    signal?: AbortSignal,
  ): Promise<FromSnapshot>;
  /**
   * Keeps a stream's snapshot in place of its last one, unless that is newer and of the same schema. Snapshots can be lost or deleted at any time: they
   * change what loading costs, never what it gives.
   */
  saveSnapshot(snapshot: Snapshot): Promise<void>;
  /** The answer stored under a key, undefined if there is none (any more). */
  findAnswer(key: Uint8Array, signal?: AbortSignal): Promise<StoredAnswer | undefined>;
}
