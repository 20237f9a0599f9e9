export type { Aggregate } from './aggregate.ts';
export type { Decider, Decision } from './decider.ts';
export type { EncodedEvent, EventCodec } from './event-codec.ts';
export type { Append, AppendOutcome, EventStore, FromSnapshot, Snapshot } from './event-store.ts';
export { type Executed, type ExecuteOptions, execute } from './execute.ts';
export { type ExpectedVersion, isExpected, namesVersion } from './expected-version.ts';
export {
  type Idempotency,
  idempotencyKey,
  requestHash,
  type StoredAnswer,
  sameHash,
} from './idempotency.ts';
export { type Loaded, load } from './load.ts';
export type { EventMetadata, EventToAppend, RecordedEvent, StoredEvent } from './recorded-event.ts';
export { type Snapshots, type SnapshotsOptions, snapshots } from './snapshots.ts';
export { type KnownState, type StateCache, stateCache } from './state-cache.ts';
export {
  type Shape,
  type StateCodec,
  type StateSchema,
  stateCodec,
  type ValueOf,
} from './state-codec.ts';
export { uuidv7 } from './uuidv7.ts';
