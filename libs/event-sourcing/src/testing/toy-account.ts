import type { Aggregate } from '../aggregate.ts';
import type { Decider } from '../decider.ts';
import type { EventStore } from '../event-store.ts';
import type { EventMetadata, EventToAppend } from '../recorded-event.ts';
import { type StateCodec, stateCodec } from '../state-codec.ts';

/** The smallest aggregate with something to refuse: an account that is opened once, and takes and pays out amounts until it is closed. */
export type AccountCommand =
  | { readonly type: 'Open' }
  | { readonly type: 'Add'; readonly amount: number }
  | { readonly type: 'Take'; readonly amount: number }
  | { readonly type: 'Close' };
export type AccountEvent =
  | { readonly type: 'Opened' }
  | { readonly type: 'Added'; readonly amount: number }
  | { readonly type: 'Closed' };
export interface AccountState {
  readonly balance: number;
  readonly open: boolean;
}
export type AccountRejection = 'ABSENT' | 'TAKEN' | 'CLOSED' | 'SHORT';

const reject = (rejection: AccountRejection) => ({ ok: false, rejection }) as const;
const accept = (...events: AccountEvent[]) => ({ ok: true, events }) as const;

/** The rules. */
export const accountDecider: Decider<AccountCommand, AccountState, AccountEvent, AccountRejection> =
  {
    decide(command, state) {
      if (command.type === 'Open')
        return state === undefined ? accept({ type: 'Opened' }) : reject('TAKEN');
      if (state === undefined) return reject('ABSENT');
      if (!state.open) return reject('CLOSED');
      switch (command.type) {
        case 'Close':
          return accept({ type: 'Closed' });
        case 'Add':
          return accept({ type: 'Added', amount: command.amount });
        case 'Take':
          return command.amount > state.balance
            ? reject('SHORT')
            : accept({ type: 'Added', amount: -command.amount });
        default:
          return command satisfies never;
      }
    },
    evolve(state = { balance: 0, open: true }, event) {
      if (event.type === 'Closed') return { ...state, open: false };
      return event.type === 'Added' ? { ...state, balance: state.balance + event.amount } : state;
    },
  };

/** The account as snapshots keep it. */
export const accountStateCodec: StateCodec<AccountState> = stateCodec({
  revision: 1,
  shape: {
    kind: 'record',
    fields: { balance: { kind: 'integer' }, open: { kind: 'boolean' } },
  },
});

type AccountAggregate = Aggregate<AccountCommand, AccountState, AccountEvent, AccountRejection>;

/** Accounts in a store; without cache and snapshots unless they are given. */
export const accounts = (
  store: EventStore,
  more: Pick<AccountAggregate, 'cache' | 'snapshots'> = {},
): AccountAggregate => ({
  store,
  decider: accountDecider,
  codec: {
    encode: (event) => ({ type: event.type, schemaVersion: 1, data: JSON.stringify(event) }),
    decode: ({ data }) => JSON.parse(data) as AccountEvent,
  },
  ...more,
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
