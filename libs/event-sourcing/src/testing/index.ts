// For the tests of others: a decider told as given, when, then; and the suite that every adapter of the event store passes (it needs vitest).
export { type EventStoreSuiteOptions, eventStoreSuite } from './event-store-suite.ts';
export { type Claims, type Specification, specify } from './specify.ts';
export type { EventStoreFixture } from './store-fixture.ts';
