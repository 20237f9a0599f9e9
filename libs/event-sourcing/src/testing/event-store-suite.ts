import { afterAll, beforeAll, describe } from 'vitest';
import { describeAppend } from './append-rules.ts';
import { describeExecute } from './execute-rules.ts';
import { describeIdempotency } from './idempotency-rules.ts';
import type { EventStoreFixture } from './store-fixture.ts';

/**
 * The promises of {@link EventStore}, as vitest tests that every adapter passes on its real engine.
 * @param name of the adapter
 * @param open called once; everything it opens is closed by its dispose. Tests use streams and keys of their own, so the log may hold
 * anything before
 */
export function eventStoreSuite(name: string, open: () => Promise<EventStoreFixture>): void {
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
  });
}
