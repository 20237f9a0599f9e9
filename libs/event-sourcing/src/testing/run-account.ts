import { randomBytes } from 'node:crypto';
import type { Aggregate } from '../aggregate.ts';
import type { EventStore } from '../event-store.ts';
import { type Executed, type ExecuteOptions, execute } from '../execute.ts';
import type { ExpectedVersion } from '../expected-version.ts';
import { uuidv7 } from '../uuidv7.ts';
import {
  type AccountCommand,
  type AccountEvent,
  type AccountRejection,
  type AccountState,
  metadata,
} from './toy-account.ts';

const newId = uuidv7(Date.now, randomBytes);

/** Executes a command on an account; the response is `<balance> at <version>`. */
export const runAccount = (
  aggregate: Aggregate<AccountCommand, AccountState, AccountEvent, AccountRejection>,
  streamId: string,
  command: AccountCommand,
  expected: ExpectedVersion = 'any',
  more: Partial<ExecuteOptions<AccountState>> = {},
): Promise<Executed<AccountRejection>> =>
  execute(aggregate, command, {
    streamId,
    expected,
    metadata,
    respond: ({ balance }, version) => Buffer.from(`${balance} at ${version}`),
    newId,
    now: new Date(),
    ...more,
  });

/** A store that counts the calls of commands, and how each call of `append` goes can be changed. */
export interface CountedStore extends EventStore {
  /** Since the last time that it was asked. */
  calls(): { readonly reads: number; readonly appends: number };
}

/** @param append what happens instead of the store's own append, which it is given */
export function countedStore(
  store: EventStore,
  append: (
    own: EventStore['append'],
    ...args: Parameters<EventStore['append']>
  ) => ReturnType<EventStore['append']> = (own, ...args) => own(...args),
): CountedStore {
  let counts = { reads: 0, appends: 0 };
  return {
    ...store,
    readStream(...args) {
      counts.reads++;
      return store.readStream(...args);
    },
    readFromSnapshot(...args) {
      counts.reads++;
      return store.readFromSnapshot(...args);
    },
    append(...args) {
      counts.appends++;
      return append(store.append, ...args);
    },
    calls() {
      const before = counts;
      counts = { reads: 0, appends: 0 };
      return before;
    },
  };
}
