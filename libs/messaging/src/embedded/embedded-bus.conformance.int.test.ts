import { leaseDatabase, logFixture } from '../../fixtures/log-fixture.ts';
import { describeBus, startVictim } from '../testing/index.ts';
import { embeddedBus } from './embedded-bus.ts';

const partitions = 12;

// The log here is a table, `read_feed` and the notifications, in a database that has nothing else: so this also shows that the adapter uses
// nothing else.
describeBus({
  name: 'embedded',
  async create() {
    const [log, view] = await Promise.all([logFixture(), leaseDatabase()]);
    const urls = { logUrl: log.url, viewUrl: view.url };
    return {
      partitions,
      connect: (takeoverMs) => embeddedBus({ ...urls, partitions, leaseMs: takeoverMs }),
      publish: log.append,
      startVictim: (group, takeoverMs) =>
        startVictim(new URL('../../fixtures/victim.ts', import.meta.url), [
          log.url,
          view.url,
          String(partitions),
          String(takeoverMs),
          group,
        ]),
      async [Symbol.asyncDispose]() {
        await Promise.all([log[Symbol.asyncDispose](), view[Symbol.asyncDispose]()]);
      },
    };
  },
});
