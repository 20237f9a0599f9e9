import { describe, expect, test } from 'vitest';
import type { Decider } from '../decider.ts';
import { specify } from './index.ts';
import { type AccountCommand, type AccountEvent, accountDecider } from './toy-account.ts';

const opened: AccountEvent = { type: 'Opened' };
const closed: AccountEvent = { type: 'Closed' };
const added = (amount: number): AccountEvent => ({ type: 'Added', amount });
const take = (amount: number): AccountCommand => ({ type: 'Take', amount });

describe('specify()', () => {
  const account = specify(accountDecider);

  test('takes what the decider does', () => {
    account.given().when({ type: 'Open' }).then(opened);
    account.given(opened, added(5)).when(take(5)).then(added(-5));
    account.given(opened, added(5)).when(take(7)).thenRejected('SHORT');
    account.given(opened, closed).when(take(0)).thenRejected('CLOSED');
    account.given().when(take(0)).thenRejected('ABSENT');
  });

  test.each<[string, () => void]>([
    ['another event', () => account.given(opened, added(5)).when(take(5)).then(added(5))],
    ['an event more', () => account.given(opened, added(5)).when(take(5)).then(added(-5), closed)],
    ['an event less', () => account.given(opened, added(5)).when(take(5)).then()],
    [
      'a refusal of what is accepted',
      () => account.given(opened).when(take(0)).thenRejected('SHORT'),
    ],
    ['acceptance of what is refused', () => account.given().when(take(5)).then(added(-5))],
    ['another reason', () => account.given().when(take(5)).thenRejected('SHORT')],
  ])('fails on %s', (_, claim) => {
    expect(claim).toThrow(expect.objectContaining({ name: 'AssertionError' }));
  });

  test('compares of a rejection with details only what is named', () => {
    const details = { reason: 'SHORT', missing: 2n };
    const refusing: Decider<AccountCommand, number, AccountEvent, typeof details> = {
      decide: () => ({ ok: false, rejection: details }),
      evolve: () => 0,
    };
    const { thenRejected } = specify(refusing).given().when(take(1));
    thenRejected({ reason: 'SHORT' });
    thenRejected(details);
    expect(() => thenRejected({ missing: 3n })).toThrow();
  });

  test('does not let a decider change the history, the command or the state', () => {
    const changing = (part: 'decide' | 'evolve') => ({
      ...accountDecider,
      [part]: (first: { amount?: number }, second: { amount?: number; balance?: number }) => {
        if (part === 'decide') second.balance = 0;
        else second.amount = 0;
        return accountDecider[part](first as never, second as never);
      },
    });
    for (const part of ['decide', 'evolve'] as const) {
      const { given } = specify(changing(part) as typeof accountDecider);
      expect(() => given(opened, added(1)).when(take(1))).toThrow(TypeError);
    }
  });
});
