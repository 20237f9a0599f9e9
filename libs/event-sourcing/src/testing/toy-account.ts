import type { Aggregate } from '../aggregate.ts';
import type { EventStore } from '../event-store.ts';
import type { EventMetadata, EventToAppend } from '../recorded-event.ts';

/** The smallest aggregate with something to refuse: an account that is opened once and takes amounts until it is closed. */
export type AccountCommand =
  | { readonly type: 'Open' }
  | { readonly type: 'Add'; readonly amount: number }
  | { readonly type: 'Close' };
export type AccountEvent =
  | { readonly type: 'Opened' }
  | { readonly type: 'Added'; readonly amount: number }
  | { readonly type: 'Closed' };
export interface AccountState {
  readonly balance: number;
  readonly open: boolean;
}
export type AccountRejection = 'ABSENT' | 'TAKEN' | 'CLOSED';

const reject = (rejection: AccountRejection) => ({ ok: false, rejection }) as const;
const accept = (...events: AccountEvent[]) => ({ ok: true, events }) as const;

/** Accounts in a store. */
export const accounts = (
  store: EventStore,
): Aggregate<AccountCommand, AccountState, AccountEvent, AccountRejection> => ({
  store,
  decider: {
    decide(command, state) {
      if (command.type === 'Open')
        return state === undefined ? accept({ type: 'Opened' }) : reject('TAKEN');
      if (state === undefined) return reject('ABSENT');
      if (!state.open) return reject('CLOSED');
      if (command.type === 'Close') return accept({ type: 'Closed' });
      return accept({ type: 'Added', amount: command.amount });
    },
    evolve(state = { balance: 0, open: true }, event) {
      if (event.type === 'Closed') return { ...state, open: false };
      return event.type === 'Added' ? { ...state, balance: state.balance + event.amount } : state;
    },
  },
  codec: {
    encode: (event) => ({ type: event.type, schemaVersion: 1, data: JSON.stringify(event) }),
    decode: ({ data }) => JSON.parse(data) as AccountEvent,
  },
});

/** Metadata without anything optional. */
export const metadata: EventMetadata = {
  actor: { subject: 'somebody', service: 'suite' },
  correlationId: null,
  causationId: null,
  traceparent: null,
  tracestate: null,
};

/** An event for the store's own tests; `data` is JSON text. */
export const eventOf = (data: string, more: Partial<EventToAppend> = {}): EventToAppend => ({
  ...metadata,
  eventId: crypto.randomUUID(),
  occurredAt: new Date('2026-01-02T03:04:05.678Z'),
  type: 'Added',
  schemaVersion: 1,
  data,
  ...more,
});
