export { eventStoreSuite } from './event-store-suite.ts';
export type { EventStoreFixture } from './store-fixture.ts';
