import { afterAll, beforeAll, describe } from 'vitest';
import { describeAppend } from './append-rules.ts';
import { describeCache } from './cache-rules.ts';
import { describeExecute } from './execute-rules.ts';
import { describeIdempotency } from './idempotency-rules.ts';
import { describeSnapshots } from './snapshot-rules.ts';
import type { EventStoreFixture } from './store-fixture.ts';

/** Options of {@link eventStoreSuite}. */
export interface EventStoreSuiteOptions {
  /** How many random histories are run, 40 by default: 2 s. */
  readonly randomRuns?: number;
}

/**
 * The promises of {@link EventStore}, as vitest tests that every adapter passes on its real engine.
 * @param name of the adapter
 * @param open called once; everything it opens is closed by its dispose. Tests use streams and keys of their own, so the log may hold
 * anything before
 */
export function eventStoreSuite(
  name: string,
  open: () => Promise<EventStoreFixture>,
  { randomRuns = 40 }: EventStoreSuiteOptions = {},
): void {
  describe(name, () => {
    let opened: EventStoreFixture | undefined;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened?.[Symbol.asyncDispose]());
    const fixture = () => {
      if (opened === undefined) throw new Error('the fixture is not open');
      return opened;
    };
    describeAppend(fixture);
    describeIdempotency(fixture);
    describeExecute(fixture);
    describeSnapshots(fixture, randomRuns);
    describeCache(fixture);
  });
}
